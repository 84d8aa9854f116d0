/** `paratrace trim`: a part of a trace as a trace. */
import { type Command, Option } from 'commander';
import { EXIT_CODE, ParatraceError } from '../../errors.ts';
import { WINDOW_CLOCKS, type WindowClock } from '../../trace/window-clocks.ts';
import { checkTraceOutput } from '../host/files.ts';
import { type CyclePosition, cycleOf, parseCyclePosition } from '../marks.ts';
import { type VerbContext, verb } from './verb.ts';

interface TrimOptions {
  readonly output: string;
  readonly inputsOnly?: boolean;
  readonly window?: readonly [from: CyclePosition, to: CyclePosition];
  readonly by: WindowClock;
}

export function trimVerb({ host, exit }: VerbContext): Command {
  return verb('trim', {
    summary: 'keep only the inputs of a trace, or the events of a window',
    description:
      'Writes a part of a trace as a trace that replays. Header, images, inputs and the end are always kept; of the events none or those of the window; of the digests those in the window and the last.',
    examples: [
      ['paratrace trim tour.pvt --inputs-only -o small.pvt', 'what a replay needs, and what it must end in'],
      ['paratrace replay small.pvt -o whole.pvt', 'makes the whole trace again'],
      ['paratrace trim tour.pvt --window 100k:300k -o part.pvt', 'events of these cycles'],
      ['paratrace trim tour.pvt --window 0:50 --by event -o part.pvt', 'the first 50 events'],
    ],
    notes: [
      `What is left:
  A trimmed trace replays from the start of the run to its end, because inputs and images are whole; it is checked where it has events,
  and by its digests, the last of which is of the final state. \`events\` lists the events that it has; \`stat\` and \`report\` need all of
  them, and say so.`,
    ],
  })
    .argument('<trace>', 'a whole trace')
    .requiredOption('-o, --output <file>', 'the trace to write')
    .option('--inputs-only', 'no events')
    .addOption(
      new Option('--window <from:to>', 'events from FROM on and before TO; either may be left out, or @NAME of a mark')
        .argParser(parseWindow)
        .conflicts('inputsOnly'),
    )
    .addOption(new Option('--by <clock>', 'what --window is in').choices(WINDOW_CLOCKS).default('cycle'))
    .action(async (path: string, { output, inputsOnly, window, by }: TrimOptions) => {
      const usesMark = window?.some((position) => typeof position !== 'number') ?? false;
      if (usesMark && by !== 'cycle') throw new ParatraceError('usage.option', 'a mark is a position in cycles');
      if (inputsOnly !== true && window === undefined) {
        throw new ParatraceError('usage.option', 'neither --inputs-only nor --window says what to keep');
      }
      checkTraceOutput(output, [path]);
      const [{ openWholeTrace }, { NO_EVENTS, trimTrace, windowOf }, { writeTrace }] = await Promise.all([
        import('../open-trace.ts'),
        import('../../trace/trim.ts'),
        import('../write-trace.ts'),
      ]);
      const trace = openWholeTrace(path);
      const [from, to] = (window ?? []).map((position) => cycleOf('--window', position, trace));
      if (from !== undefined && to !== undefined && from > to) {
        throw new ParatraceError('usage.option', `--window ${from}:${to} ends before it begins`);
      }
      const kept = from === undefined || to === undefined ? NO_EVENTS : windowOf(trace, by, from, to);
      writeTrace(host, output, (sink) => trimTrace(trace, kept, sink));
      exit(EXIT_CODE.ok);
    });
}

function parseWindow(text: string): readonly [CyclePosition, CyclePosition] {
  const parts = text.split(':');
  const [from = '', to = ''] = parts;
  if (parts.length !== 2) throw new ParatraceError('usage.option', `--window is '${text}'; it must be FROM:TO`);
  return [
    from === '' ? 0 : parseCyclePosition('--window', from),
    to === '' ? Number.MAX_SAFE_INTEGER : parseCyclePosition('--window', to),
  ];
}
