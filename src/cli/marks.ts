/** Marks on the command line: set by `--mark NAME@CYCLE`, and named as positions by `@NAME`. */
import { Option } from 'commander';
import { ParatraceError } from '../errors.ts';
import type { WantedMark } from '../session/marks.ts';
import type { TraceReader } from '../trace/reader.ts';
import { parseCount } from './quantities.ts';

const NAME = /^[\x21-\x3f\x41-\x7e]{1,64}$/;

/** A cycle, or the name of a mark that is at one. */
export type CyclePosition = number | { readonly mark: string };

/** @throws ParatraceError `usage.option`. */
export function parseMark(text: string): WantedMark {
  const at = text.lastIndexOf('@');
  const label = text.slice(0, at);
  if (at < 0 || !NAME.test(label)) {
    throw new ParatraceError(
      'usage.option',
      `--mark is '${text}'; it must be NAME@CYCLE, a name of 1 to 64 characters`,
    );
  }
  return { label, cycle: parseCount('--mark', text.slice(at + 1)) };
}

/** `--mark`, of whatever records. */
export function markOption(): Option {
  return new Option('--mark <name@cycle>', 'give the place at this cycle a name; can be repeated')
    .argParser((text, before: readonly WantedMark[]) => [...before, parseMark(text)])
    .default([], 'none');
}

/** A cycle, or `@NAME`. @throws ParatraceError `usage.option`. */
export function parseCyclePosition(option: string, text: string): CyclePosition {
  return text.startsWith('@') ? { mark: text.slice(1) } : parseCount(option, text);
}

/**
 * The cycle of a position in a trace: of the first mark of that name.
 * @throws ParatraceError `usage.option` where there is none.
 */
export function cycleOf(option: string, position: CyclePosition, trace: TraceReader): number {
  if (typeof position === 'number') return position;
  const labels = new Set<string>();
  for (const event of trace.events({ kinds: ['mark'] })) {
    if (event.kind !== 'mark') continue;
    if (event.label === position.mark) return event.cycle;
    labels.add(event.label);
  }
  const there = labels.size === 0 ? 'it has none' : `it has ${[...labels].slice(0, 20).join(', ')}`;
  throw new ParatraceError('usage.option', `${option} @${position.mark} names no mark of the trace; ${there}`);
}
