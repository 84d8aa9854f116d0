/** `paratrace whatif`: what a recorded paravirtual run would have cost in another mode. */
import { type Command, Option } from 'commander';
import { CAUSE_NAMES, CAUSES } from '../../analysis/causes.ts';
import type { Prediction, TargetMode } from '../../analysis/whatif/whatif.ts';
import { MODE_NAMES } from '../../session/config.ts';
import type { TraceReader } from '../../trace/reader.ts';
import { formatShare, groupDigits } from '../../viz/format.ts';
import { COSTS_ABOUT, resolveCosts } from '../costs-option.ts';
import { printable } from '../printable.ts';
import { formatFacts, formatTable } from '../table.ts';
import { type VerbContext, verb } from './verb.ts';

interface WhatifOptions {
  readonly as: TargetMode;
  readonly costs?: string;
  readonly json?: boolean;
}

export function whatifVerb({ host }: VerbContext): Command {
  return verb('whatif', {
    summary: 'price a recorded paravirtual run under another mode',
    description:
      'Predicts from the trace of a run of mode pv, without running anything, what the same work would have taken in another mode, item by item. docs/pricing.md says how, docs/accuracy.md how far off it is.',
    examples: [
      ['paratrace record mini-os --mode pv --workload fork -o fork.pvt', 'what it is made from'],
      ['paratrace whatif fork.pvt --as full', 'under trap and emulate and shadow paging'],
      ['paratrace whatif fork.pvt --as hvm --costs kvm-ept-ivb-2019 --json', 'for a program'],
    ],
    notes: [
      'Units:\n  Cycles are model cycles. Shares are of the predicted cycles; in JSON from 0 to 1.',
      'Known from:\n  trace: there is an event for each; counters: there is a count of them; recipe: what the source of an unmodified kernel and its\n  drivers does for an event of the trace.',
    ],
  })
    .argument('<trace>', 'a trace of mode pv with one hart, recorded to its end')
    .addOption(
      new Option('--as <mode>', 'the mode to predict')
        .choices(MODE_NAMES.filter((name) => name !== 'pv'))
        .makeOptionMandatory(),
    )
    .option('--costs <profile>', `${COSTS_ABOUT} (default: that of the trace)`)
    .option('--json', 'as JSON (docs/cli.md has its shape)')
    .action(async (path: string, { as: mode, costs, json }: WhatifOptions) => {
      const [{ checkHasAllEvents, inFile, openWholeTrace }, { whatif }, { recordedProfile }] = await Promise.all([
        import('../open-trace.ts'),
        import('../../analysis/whatif/whatif.ts'),
        import('../../hypervisor/costs.ts'),
      ]);
      const trace = openWholeTrace(path);
      checkHasAllEvents(path, trace);
      const { config, costProfile } = trace.header;
      const profile = costs === undefined ? recordedProfile(costProfile, config.costs) : resolveCosts(costs);
      const prediction = inFile(path, () => whatif(trace, mode, profile));
      if (json)
        host.stdout.write(printable(`${JSON.stringify({ trace: path, config, ...prediction }, undefined, 2)}\n`));
      else host.stdout.write(printable(predictionText(trace, prediction)));
    });
}

function predictionText(trace: TraceReader, prediction: Prediction): string {
  return `${formatFacts(facts(trace, prediction))}\n\n${causeTable(prediction)}\n\n${itemTable(prediction)}\n`;
}

function facts({ header, end }: TraceReader, prediction: Prediction): [string, string][] {
  const { config } = header;
  const { mode, costs, cycles, guestCycles, walkCycles, hypervisorCycles, platformCycles, idleCycles } = prediction;
  const share = (part: number) => `${groupDigits(part)} (${formatShare(part, cycles)})`;
  const { traced, counted, recipe } = prediction.certainty;
  const sure = [
    `trace ${formatShare(traced, 1)}`,
    `counters ${formatShare(counted, 1)}`,
    `recipes ${formatShare(recipe, 1)}`,
  ];
  return [
    ['guest', [config.guest.name, ...(config.append === '' ? [] : [config.append])].join(', ')],
    ['recorded', `${config.mode}, ${config.costs}: ${groupDigits(end?.cycle ?? 0)} cycles`],
    ['predicted', `${mode}, ${costs}: ${groupDigits(cycles)} cycles`],
    ['  guest', share(guestCycles)],
    ['    page walks', share(walkCycles)],
    ['  hypervisor', share(hypervisorCycles)],
    ...(platformCycles > 0 ? [['  firmware and bus', share(platformCycles)] as [string, string]] : []),
    ['  idle', share(idleCycles)],
    ['known from', sure.join(', ')],
  ];
}

function causeTable({ byCause, cycles }: Prediction): string {
  const used = CAUSE_NAMES.filter((cause) => byCause[cause].cycles > 0);
  const rows = used.map((cause) => {
    const totals = byCause[cause];
    return [CAUSES[cause], groupDigits(totals.exits), groupDigits(totals.cycles), formatShare(totals.cycles, cycles)];
  });
  return formatTable(['by cause', 'exits', 'cycles', 'share'], rows);
}

const BASIS_NAMES = { traced: 'trace', counted: 'counters', recipe: 'recipe' } as const;

function itemTable({ items, cycles }: Prediction): string {
  const rows = items.map((item) => [
    item.about,
    BASIS_NAMES[item.basis],
    groupDigits(item.count),
    groupDigits(item.cycles),
    formatShare(item.cycles, cycles),
  ]);
  return formatTable(['item', 'known from', 'count', 'cycles', 'share'], rows, 2);
}
