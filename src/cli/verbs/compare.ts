/** `paratrace compare`: one guest under several modes, really run, side by side. */
import { writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Comparison } from '../../analysis/comparison.ts';
import { must } from '../../assert.ts';
import { EXIT_CODE, type ExitCode, ParatraceError } from '../../errors.ts';
import { MODES } from '../../hypervisor/modes/modes.ts';
import { MODE_NAMES, type ModeName } from '../../session/config.ts';
import { bundledGuests } from '../guests.ts';
import { attempt, checkOutput, readFile } from '../host/files.ts';
import type { Host } from '../host/host.ts';
import { addModelessOptions, GUEST_ARGUMENT, type MachineOptions, prepareRun } from '../machine-options.ts';
import { printable } from '../printable.ts';
import { type VerbContext, verb } from './verb.ts';

interface CompareOptions extends MachineOptions {
  readonly modes?: readonly ModeName[];
  readonly output?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function compareVerb({ host, exit }: VerbContext): Command {
  const command = verb('compare', {
    summary: 'run a guest under several modes and set them side by side',
    description:
      'Runs a guest to its end under each mode, with the same options and input, and prints what was measured, a column for each mode: cycles of guest and hypervisor, exits, their share by cause, TLB misses, throughput, overhead over native. What the guest prints must be the same under every mode.',
    examples: [
      ['paratrace compare mini-os --workload fork', 'all modes that the guest can run under'],
      ['paratrace compare mini-os --workload syscall --modes native,full,hvm --json', 'some of them, for a program'],
      ['paratrace compare mini-os --workload mix --costs xen-pv-2003 -o mix.html', 'a page with a chart'],
    ],
    notes: [
      `Units:
  Cycles are model cycles. Shares, throughput and overhead are of the cycles that are not idle. The hypervisor's cycles are
  charged by the cost profile; the guest's are executed. Whole runs are measured, so that few iterations are diluted by booting.`,
      'Exit codes:\n  0 ok; 1 the guest failed under some mode, or printed something else than under the first; 2 usage.',
    ],
  })
    .argument('<guest>', GUEST_ARGUMENT)
    .addOption(
      new Option(
        '--modes <modes>',
        `of ${MODE_NAMES.join(', ')}, separated by commas (default: all it can run under)`,
      ).argParser(parseModes),
    )
    .option('--json', 'as JSON (docs/cli.md has its shape)')
    .option('-o, --output <file>', 'also write a page with table and chart')
    .option('-q, --quiet', 'no progress');
  addModelessOptions(command);
  // Several runs to their ends: translated code is worth it.
  command.setOptionValueWithSource('engine', 'translator', 'default');
  return command.action(async (guest: string, options: CompareOptions) => {
    const runs = modesFor(guest, options).map((mode) => prepareRun(guest, { ...options, mode }));
    if (options.output !== undefined) checkOutput(options.output, runs[0]?.inputFiles ?? []);
    const input = await inputOf(host, options.stdin);
    const [{ measureRuns }, { compareRuns }] = await Promise.all([
      import('../compare-run.ts'),
      import('../../analysis/comparison.ts'),
    ]);
    const [first, ...others] = (await measureRuns(host, runs, { guest, input, quiet: options.quiet === true })) ?? [];
    if (first === undefined) return exit(EXIT_CODE.guestFailed);
    exit(await tell(host, compareRuns([first, ...others]), options));
  });
}

async function tell(host: Host, comparison: Comparison, { json, output }: CompareOptions): Promise<ExitCode> {
  if (json) host.stdout.write(printable(`${JSON.stringify(comparison, undefined, 2)}\n`));
  else {
    const { comparisonText } = await import('../comparison-text.ts');
    host.stdout.write(printable(comparisonText(comparison)));
  }
  if (output !== undefined) {
    const { renderComparison } = await import('../../viz/comparison-page.ts');
    const html = renderComparison(comparison);
    attempt(output, 'written', () => writeFileSync(output, html));
    host.stderr.write(`paratrace: comparison ${output}\n`);
  }
  const { difference, modes } = comparison;
  if (difference !== null) {
    const [left, right] = difference.modes;
    const sides = difference.texts.map((text, side) => `\n  ${difference.modes[side]}: ${text ?? '(nothing more)'}`);
    host.stderr.write(
      printable(
        `paratrace: the guest printed something else under ${right} than under ${left}, in line ${difference.line}:${sides.join('')}\n`,
      ),
    );
  }
  const failed = modes.filter(({ end }) => end.status !== 0);
  for (const { mode, end } of failed)
    host.stderr.write(printable(`paratrace: the guest failed under ${mode}: ${end.message}\n`));
  return difference === null && failed.length === 0 ? EXIT_CODE.ok : EXIT_CODE.guestFailed;
}

/** The modes asked for, or all that the guest can run under, in the order of the list. */
function modesFor(guest: string, { modes, entry }: CompareOptions): readonly ModeName[] {
  if (modes !== undefined) return modes;
  const bundled = bundledGuests().find(({ name }) => name === guest);
  const privilege = entry ?? bundled?.entry ?? 's';
  return MODE_NAMES.filter((name) => {
    const { entries, isParavirtual = false } = must(MODES[name], 'a mode of the list');
    return entries.includes(privilege) && (!isParavirtual || bundled?.images?.[name] !== undefined);
  });
}

/** Read once: all runs get the same bytes. */
async function inputOf(host: Host, stdin: string | undefined): Promise<Uint8Array | undefined> {
  if (stdin === undefined) return undefined;
  return stdin === '-' ? host.stdin.readAll() : readFile(stdin);
}

function parseModes(text: string): readonly ModeName[] {
  const modes = text.split(',').map((name) => {
    const mode = MODE_NAMES.find((known) => known === name.trim());
    if (mode !== undefined) return mode;
    throw new ParatraceError('usage.option', `--modes '${name}' is no mode; the modes are ${MODE_NAMES.join(', ')}`);
  });
  return [...new Set(modes)];
}
