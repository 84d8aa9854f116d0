/** `paratrace trim`: a part of a trace as a trace. */
import { type Command, Option } from 'commander';
import { EXIT_CODE, ParatraceError } from '../../errors.ts';
import { WINDOW_CLOCKS, type WindowClock } from '../../trace/window-clocks.ts';
import { checkTraceOutput } from '../host/files.ts';
import { parseCount } from '../quantities.ts';
import { type VerbContext, verb } from './verb.ts';

interface TrimOptions {
  readonly output: string;
  readonly inputsOnly?: boolean;
  readonly window?: readonly [from: number, to: number];
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
      new Option('--window <from:to>', 'events from FROM on and before TO; either may be left out')
        .argParser(parseWindow)
        .conflicts('inputsOnly'),
    )
    .addOption(new Option('--by <clock>', 'what --window is in').choices(WINDOW_CLOCKS).default('cycle'))
    .action(async (path: string, { output, inputsOnly, window, by }: TrimOptions) => {
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
      const kept = window === undefined ? NO_EVENTS : windowOf(trace, by, ...window);
      writeTrace(host, output, (sink) => trimTrace(trace, kept, sink));
      exit(EXIT_CODE.ok);
    });
}

function parseWindow(text: string): readonly [number, number] {
  const parts = text.split(':');
  const [from = '', to = ''] = parts;
  if (parts.length !== 2) throw new ParatraceError('usage.option', `--window is '${text}'; it must be FROM:TO`);
  const window = [
    from === '' ? 0 : parseCount('--window', from),
    to === '' ? Number.MAX_SAFE_INTEGER : parseCount('--window', to),
  ] as const;
  if (window[0] > window[1]) throw new ParatraceError('usage.option', `--window ${text} ends before it begins`);
  return window;
}
