/** `paratrace events`: the events of a trace as text or JSON lines. */
import { type Command, Option } from 'commander';
import { EXIT_CODE, ParatraceError } from '../../errors.ts';
import { EVENT_KINDS, type EventKind } from '../../hypervisor/events.ts';
import { type CyclePosition, cycleOf, parseCyclePosition } from '../marks.ts';
import { printable } from '../printable.ts';
import { type VerbContext, verb } from './verb.ts';

interface EventsOptions {
  readonly json?: boolean;
  readonly from?: CyclePosition;
  readonly to?: CyclePosition;
  readonly kind?: readonly EventKind[];
}

const KINDS = Object.keys(EVENT_KINDS) as EventKind[];
const BUFFER_CHARACTERS = 65_536;

export function eventsVerb({ host, exit }: VerbContext): Command {
  return verb('events', {
    summary: 'list the events of a trace',
    description:
      'Lists events, one a line: cycle, instruction count, hart, pc, kind, what happened, and its cost in cycles. With --json one JSON object a line; 64-bit values are texts there (hexadecimal, or decimal where signed).',
    examples: [
      ['paratrace events tour.pvt --kind hypercall', 'all SBI calls'],
      ['paratrace events tour.pvt --from 1M --to 1.2M', 'what happened in these cycles'],
      ['paratrace events tour.pvt --from @late', 'what happened from a mark on'],
      ['paratrace events tour.pvt --kind take,complete --json', 'ring traffic for a program'],
    ],
    notes: [`Kinds:\n${KINDS.map((kind) => `  ${kind.padEnd(10)} ${EVENT_KINDS[kind].about}`).join('\n')}`],
  })
    .argument('<trace>', 'a trace that `record` wrote')
    .option('--json', 'one JSON object a line')
    .addOption(
      new Option('--from <cycle>', 'first cycle, or @NAME of a mark (default: the beginning)').argParser((text) =>
        parseCyclePosition('--from', text),
      ),
    )
    .addOption(
      new Option('--to <cycle>', 'end before this cycle, or @NAME of a mark (default: the end)').argParser((text) =>
        parseCyclePosition('--to', text),
      ),
    )
    .addOption(
      new Option('--kind <kinds>', 'only these kinds, separated by commas; can be repeated').argParser(addKinds),
    )
    .action(async (path: string, options: EventsOptions) => {
      const [{ noteExcerpt, openTraceFile, reportProblem }, { describeEvent, eventToJson }, { SBI_NAMES }] =
        await Promise.all([
          import('../open-trace.ts'),
          import('../../analysis/describe.ts'),
          import('../../analysis/sbi-names.ts'),
        ]);
      const { kind } = options;
      checkOrder(options.from, options.to);
      const trace = openTraceFile(path);
      noteExcerpt(host, path, trace);
      const from = options.from === undefined ? undefined : cycleOf('--from', options.from, trace);
      const to = options.to === undefined ? undefined : cycleOf('--to', options.to, trace);
      checkOrder(from, to);
      const filter = {
        ...(from !== undefined && { fromCycle: from }),
        ...(to !== undefined && { toCycle: to }),
        ...(kind !== undefined && { kinds: kind }),
      };
      let text = '';
      for (const event of trace.events(filter)) {
        text += options.json
          ? JSON.stringify(eventToJson(event, SBI_NAMES))
          : printable(describeEvent(event, SBI_NAMES));
        text += '\n';
        if (text.length < BUFFER_CHARACTERS) continue;
        host.stdout.write(text);
        text = '';
        await host.stdout.drained();
        if (host.stdout.isClosed) return exit(EXIT_CODE.ok);
      }
      host.stdout.write(text);
      exit(reportProblem(host, path, trace));
    });
}

/** Marks are looked at once it is known where they are. */
function checkOrder(from: CyclePosition | undefined, to: CyclePosition | undefined): void {
  if (typeof from !== 'number' || typeof to !== 'number' || from < to) return;
  throw new ParatraceError('usage.option', `--from ${from} is not before --to ${to}`);
}

function addKinds(text: string, before: readonly EventKind[] = []): readonly EventKind[] {
  const kinds = text.split(',').map((name) => {
    const kind = KINDS.find((known) => known === name.trim());
    if (kind === undefined) {
      throw new ParatraceError(
        'usage.option',
        `--kind '${name}' is no kind of event; the kinds are ${KINDS.join(', ')}`,
      );
    }
    return kind;
  });
  return [...before, ...kinds];
}
