/** A profile as text: a row for whatever took time or happened, and facts about the tiers. */
import { formatShare, groupDigits } from '../../viz/format.ts';
import { formatFacts, formatTable } from '../table.ts';
import type { ProfileResult } from './profile.ts';

/** What a profile says of the trace that was written. */
export interface ProfiledTrace {
  readonly sizeBytes: number;
  /** What a thread has done for it. */
  readonly besideGuest: { readonly batches: number; readonly busyMs: number } | undefined;
}

export function profileTable(result: ProfileResult, trace?: ProfiledTrace): string {
  const used = result.sections.filter(({ ms, count }) => ms > 0 || count > 0);
  const totalMs = used.reduce((sum, { ms }) => sum + ms, 0);
  const rows = used.map(({ name, ms, count }) => [
    name,
    ms.toFixed(1),
    formatShare(ms, totalMs),
    groupDigits(count),
    count === 0 ? '' : groupDigits((ms * 1e6) / count),
  ]);
  const total = ['total', totalMs.toFixed(1), formatShare(totalMs, totalMs), '', ''];
  const table = formatTable(['wall time', 'ms', 'share', 'times', 'ns each'], [...rows, total]);
  return `${table}\n\n${formatFacts(factsOf(result, trace))}`;
}

function factsOf(result: ProfileResult, trace: ProfiledTrace | undefined): [string, string][] {
  const { instructions, regions, executingMs, background } = result;
  const speed =
    executingMs > 0 ? `, ${(instructions / executingMs / 1e3).toFixed(0)} MIPS while the guest executes` : '';
  const facts: [string, string][] = [['instructions', `${groupDigits(instructions)}${speed}`]];
  if (regions === undefined) facts.push(['tiers', 'interpreter alone']);
  else {
    const { retired, modules, liveModules, insns, moduleBytes } = regions;
    facts.push(
      ['  in translated code', `${groupDigits(retired)} (${formatShare(retired, instructions)})`],
      ['  interpreted', groupDigits(instructions - retired)],
      ['time by tier', timeByTier(result, instructions - retired, retired)],
      [
        'translated',
        `${groupDigits(insns)} instructions to ${groupDigits(regions.regions)} regions in ${groupDigits(modules)} modules (${groupDigits(liveModules)} alive), ${groupDigits(moduleBytes)} bytes`,
      ],
    );
  }
  if (background.count > 0) {
    const { count, ms } = background;
    facts.push([
      'compiled beside the guest',
      `${groupDigits(count)} modules, ${ms.toFixed(1)} ms from start to arrival, not in the total`,
    ]);
  }
  if (trace?.besideGuest !== undefined) {
    const { batches, busyMs } = trace.besideGuest;
    facts.push([
      'recorded beside the guest',
      `${groupDigits(batches)} batches of records in ${busyMs.toFixed(1)} ms, not in the total`,
    ]);
  }
  if (trace !== undefined) facts.push(['trace', `${groupDigits(trace.sizeBytes)} bytes`]);
  return facts;
}

/** Always named an estimate: nobody reads a clock where tiers change. */
function timeByTier({ tierCosts, executingMs }: ProfileResult, interpreted: number, translated: number): string {
  if (tierCosts === undefined) return 'cannot be estimated from the slices of this run';
  const { interpretedNs, translatedNs } = tierCosts;
  const weights = { interpreted: interpreted * interpretedNs, translated: translated * translatedNs };
  const scale = executingMs / (weights.interpreted + weights.translated);
  const part = (weight: number, ns: number) => `${(weight * scale).toFixed(0)} ms (${ns.toFixed(1)} ns each)`;
  return `estimated: translated code ${part(weights.translated, translatedNs)}, interpreter ${part(weights.interpreted, interpretedNs)}`;
}
