/**
 * The inputs of a recorded run as an input source: the same bytes at the same places, by position alone.
 */
import type { InputPort, InputRecord, InputSource, Position } from '../session/ports.ts';
import type { RecordedInput, TraceReader } from '../trace/reader.ts';
import { differencesOf, type Happening, likelyCauses, ReplayDivergence } from './divergence.ts';

/**
 * Gives back what was recorded. Throws {@link ReplayDivergence} as soon as the run has passed the place of an input
 * without taking it, or can take fewer bytes there.
 */
export class ReplayInput implements InputSource {
  readonly #inputs: readonly RecordedInput[];
  /** For each input, the first one from it on that is a `push`. */
  readonly #nextPush: readonly number[];
  #next = 0;
  #hasEnded = false;

  constructor(trace: Pick<TraceReader, 'inputs'>) {
    this.#inputs = [...trace.inputs()];
    const nextPush: number[] = new Array(this.#inputs.length + 1).fill(this.#inputs.length);
    for (let index = this.#inputs.length - 1; index >= 0; index -= 1) {
      nextPush[index] = this.#inputs[index]?.via === 'push' ? index : (nextPush[index + 1] as number);
    }
    this.#nextPush = nextPush;
  }

  pull(port: InputPort, now: Position, maxBytes: number): Uint8Array | undefined {
    return this.#give('pull', port, now, maxBytes);
  }

  nextPushCycle(now: Position): number {
    this.#expectNonePassed(now);
    for (let index = this.#nextPush[this.#next] as number; index < this.#inputs.length; ) {
      const { cycle } = this.#inputs[index] as RecordedInput;
      if (cycle > now.cycle) return cycle;
      index = this.#nextPush[index + 1] as number;
    }
    return Infinity;
  }

  push(port: InputPort, now: Position, maxBytes: number): Uint8Array | undefined {
    return this.#give('push', port, now, maxBytes);
  }

  mark(now: Position): string | undefined {
    this.#expectNonePassed(now);
    const next = this.#inputs[this.#next];
    if (next?.port !== 'mark' || next.cycle !== now.cycle || next.icount !== now.icount) return undefined;
    this.#next += 1;
    return new TextDecoder().decode(next.bytes);
  }

  hasEnded(now: Position): boolean {
    this.#expectNonePassed(now);
    const next = this.#inputs[this.#next];
    if (next === undefined || !isEnd(next) || now.cycle < next.cycle) return this.#hasEnded;
    // Marks may follow it.
    this.#next += 1;
    this.#hasEnded = true;
    return true;
  }

  #give(via: InputRecord['via'], port: InputPort, now: Position, maxBytes: number): Uint8Array | undefined {
    this.#expectNonePassed(now);
    const next = this.#inputs[this.#next];
    if (next === undefined || isEnd(next) || next.cycle !== now.cycle || next.icount !== now.icount) return undefined;
    if (next.via !== via || next.port !== port) return undefined;
    if (next.bytes.length > maxBytes) {
      const bytes = next.bytes.subarray(0, maxBytes);
      throw this.#divergence(next, { what: 'input', value: { ...next, bytes } as InputRecord });
    }
    this.#next += 1;
    return next.bytes;
  }

  #expectNonePassed(now: Position): void {
    const next = this.#inputs[this.#next];
    if (next !== undefined && !isEnd(next) && next.cycle < now.cycle) throw this.#divergence(next, undefined);
  }

  #divergence(recorded: RecordedInput, replayed: Happening | undefined): ReplayDivergence {
    const happening: Happening = { what: 'input', value: recorded };
    const differences = differencesOf(happening, replayed);
    return new ReplayDivergence({
      recorded: happening,
      replayed,
      differences,
      eventsVerified: recorded.events,
      recentRecorded: [],
      recentReplayed: [],
      likelyCauses: likelyCauses(happening, replayed, differences, []),
      registers: undefined,
    });
  }
}

/** The end of the input is an input without bytes. */
function isEnd(input: InputRecord): boolean {
  return input.bytes.length === 0;
}
