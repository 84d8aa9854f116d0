import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventOf, VmEvent } from '../../src/hypervisor/events.ts';
import { createRecorder } from '../../src/recorder/recorder.ts';
import { tee } from '../../src/recorder/tee.ts';
import { type CheckerOptions, RecordingExhausted, ReplayChecker } from '../../src/replayer/checker.ts';
import { ReplayDivergence } from '../../src/replayer/divergence.ts';
import { ReplayInput } from '../../src/replayer/replay-input.ts';
import type { InputRecord, Observer, StateDigest } from '../../src/session/ports.ts';
import { openTrace, type RecordedInput, type TraceReader } from '../../src/trace/reader.ts';
import { CONFIG, join } from '../trace/arbitraries.ts';
import { forge, piecesOf } from '../trace/forge.ts';
import { FakeHost, type FakeOptions, runFake } from './fake-session.ts';

const RUN = {
  config: { ...CONFIG, drives: [] },
  costProfile: { name: 'costs', exit: 212 },
  coreProfile: { name: 'rocket' },
  images: { guest: new Uint8Array(), initrd: undefined, drives: [] },
};

function recordFake(seed: string, steps: number, bytes = 60): Uint8Array {
  const parts: Uint8Array[] = [];
  const recorder = createRecorder(RUN, (part) => parts.push(part));
  runFake(new FakeHost(seed, bytes), recorder, { steps });
  return join(parts);
}

function replay(trace: TraceReader, fake: FakeOptions, options: CheckerOptions = {}): ReplayChecker {
  const checker = new ReplayChecker(trace, options);
  runFake(new ReplayInput(trace), checker, fake);
  return checker;
}

/** The divergence that a replay gives; fails if there is none. */
function divergenceOf(work: () => unknown): ReplayDivergence {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ReplayDivergence);
    return error as ReplayDivergence;
  }
  throw new Error('the replay did not diverge');
}

describe('a replay', () => {
  test('is identical, and its recording has the same bytes', () => {
    const property = fc.property(
      fc.string(),
      fc.integer({ min: 1, max: 300 }),
      fc.nat({ max: 90 }),
      (seed, steps, bytes) => {
        const recorded = recordFake(seed, steps, bytes);
        const trace = openTrace(recorded);
        const parts: Uint8Array[] = [];
        const { config, costProfile, coreProfile } = trace.header;
        const recorder = createRecorder({ config, costProfile, coreProfile, images: RUN.images }, (part) =>
          parts.push(part),
        );
        const checker = new ReplayChecker(trace);
        runFake(new ReplayInput(trace), tee(checker, recorder), { steps });
        const { events, inputs, digests } = trace.totals;
        expect(checker.verified).toEqual({ events, inputs, digests, ended: true });
        expect(Buffer.compare(join(parts), recorded)).toBe(0);
      },
    );
    fc.assert(property, { numRuns: 60 });
  });

  test('of a trace that is cut off is identical as far as that goes, and says so', () => {
    const recorded = recordFake('cut', 1500);
    const chunks = openTrace(recorded).chunks.filter((chunk) => chunk.kind !== 'header' && chunk.kind !== 'image');
    expect(chunks.length).toBeGreaterThan(6);
    for (const { frame } of chunks) {
      const trace = openTrace(recorded.slice(0, frame.offset + 5), { partial: true });
      let caught: unknown;
      try {
        replay(trace, { steps: 1500 });
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(RecordingExhausted);
      const exhausted = caught as RecordingExhausted;
      expect(exhausted.code).toBe('trace.truncated');
      expect(exhausted.eventsVerified).toBe(trace.totals.events);
      expect(exhausted.message).toContain(`identical up to there: ${trace.totals.events} events`);
    }
  });

  test('of a trace of a later minor version is refused', () => {
    const later = openTrace(forge(piecesOf(recordFake('later', 5)), { minor: 9 }));
    expect(() => new ReplayChecker(later)).toThrow(expect.objectContaining({ code: 'trace.version' }) as Error);
  });
});

describe('a divergence', () => {
  const recorded = recordFake('diverge', 100);
  const trace = openTrace(recorded);

  test('in an event tells both sides, the fields and the events before', () => {
    const { report, code, message, place } = divergenceOf(() => replay(trace, { steps: 100, changedFrom: 50 }));
    expect(code).toBe('replay.diverged');
    const before = [...trace.events({ toEvent: report.eventsVerified })].slice(-7);
    const left = report.recorded?.value as EventOf<'hypercall'>;
    const right = report.replayed?.value as EventOf<'hypercall'>;
    expect(right).toEqual({ ...left, arg0: left.arg0 + 1n });
    expect(report.differences).toEqual([
      { field: 'arg0', recorded: `0x${left.arg0.toString(16)}`, replayed: `0x${right.arg0.toString(16)}` },
    ]);
    expect(report.recentRecorded).toEqual([...before, left]);
    expect(report.recentReplayed).toEqual([...before, right]);
    expect(report.likelyCauses).toEqual(['the hypercall itself differs in arg0']);
    expect(message).toContain('arg0');
    expect(place).toEqual({ cycle: right.cycle, icount: right.icount, hart: 0, pc: right.pc });
  });

  test('in a digest names the part', () => {
    const { report } = divergenceOf(() => replay(trace, { steps: 100, damagedFrom: 30 }));
    expect(report.recorded?.what).toBe('digest');
    expect(report.differences.map(({ field }) => field)).toEqual(['memory']);
    expect(report.likelyCauses[0]).toContain('guest memory differs');
  });

  test('at the end of either side is told', () => {
    const shorter = divergenceOf(() => replay(trace, { steps: 90 })).report;
    expect(shorter.recorded?.what).toBe('event');
    expect(shorter.replayed?.what).toBe('end');
    const longer = divergenceOf(() => replay(trace, { steps: 110 })).report;
    expect(longer.recorded?.what).toBe('end');
    expect(longer.replayed?.what).toBe('event');
  });

  test('asks for registers and compares profiles', () => {
    const options = {
      registers: () => ({ pc: 1n }),
      profiles: { coreProfile: { name: 'rocket', clockHz: 1 } },
    };
    const { report } = divergenceOf(() => replay(trace, { steps: 100, changedFrom: 50 }, options));
    expect(report.registers).toEqual({ pc: 1n });
    expect(report.likelyCauses[0]).toBe('the core profile of this version is not the recorded one');
  });
});

describe('a checker', () => {
  const recorded = recordFake('checker', 60);
  const trace = openTrace(recorded);
  const events = [...trace.events()];
  const inputs = [...trace.inputs()];

  /** A checker that has been told everything up to event `index`, and the inputs there. */
  function checkerBefore(index: number): ReplayChecker {
    const checker = new ReplayChecker(trace);
    const left = inputs.slice();
    const leftDigests = [...trace.digests()];
    for (let at = 0; at <= index; at += 1) {
      while (left[0]?.events === at && at < index) checker.input(left.shift() as InputRecord);
      while (leftDigests[0]?.events === at && at < index) checker.digest(leftDigests.shift() as StateDigest);
      if (at < index) checker.event(events[at] as VmEvent);
    }
    return checker;
  }

  /** The divergence of the whole run when the checker is not told of some calls. */
  function withoutCalls(dropped: 'input' | 'digest'): ReplayDivergence {
    return divergenceOf(() => {
      const checker = new ReplayChecker(trace);
      const observer: Observer = {
        event: (event) => checker.event(event),
        input: (input) => (dropped === 'input' ? undefined : checker.input(input)),
        digest: (digest) => (dropped === 'digest' ? undefined : checker.digest(digest)),
        end: (end) => checker.end(end),
      };
      runFake(new ReplayInput(trace), observer, { steps: 60 });
    });
  }

  test('misses an input that does not come', () => {
    const { report } = withoutCalls('input');
    expect(report.recorded).toEqual({ what: 'input', value: inputs[0] });
    expect(report.replayed).toBeUndefined();
    expect(report.likelyCauses[0]).toContain('did not take a recorded input');
  });

  test('misses a digest that does not come', () => {
    expect(withoutCalls('digest').report.recorded?.what).toBe('digest');
  });

  test('finds an input where none was recorded', () => {
    const checker = new ReplayChecker(trace);
    const extra = { cycle: 0, icount: 0, port: 'uart0', via: 'pull', bytes: new Uint8Array([1]) } as const;
    expect(divergenceOf(() => checker.input(extra)).report.recorded?.what).toBe('input');
  });

  test('finds other bytes, another place and another order of an input', () => {
    const position = inputs.findIndex(
      (input, index) => input.events > (inputs[index - 1]?.events ?? 0) + 1 && input.via === 'pull',
    );
    const chosen = inputs[position] as RecordedInput;
    const played = (input: InputRecord, eventsBefore = chosen.events): ReplayDivergence =>
      divergenceOf(() => checkerBefore(eventsBefore).input(input));
    const bytes = chosen.bytes.map((byte) => byte ^ 1);
    expect(played({ ...chosen, bytes }).report.likelyCauses).toEqual(['the input has other bytes']);
    expect(played({ ...chosen, cycle: chosen.cycle + 1 }).report.differences[0]?.field).toBe('cycle');
    expect(played(chosen, chosen.events - 1).report.differences.map(({ field }) => field)).toEqual(['events']);
  });

  test.each([
    ['cycle', { cycle: 1 }, 'core profile, TLB or charged costs'],
    ['icount', { icount: 1 }, 'other instructions'],
    ['hart', { hart: 3 }, 'turns'],
    ['entryCycles', { entryCycles: 1 }, 'the cost profile'],
    ['kind', { kind: 'idle' }, 'another way'],
  ])('says what a difference in `%s` means', (_, change, cause) => {
    const records = new Set([...inputs, ...trace.digests()].map((record) => record.events));
    const index = events.findIndex((event, at) => event.kind === 'mmio' && !records.has(at));
    const event = events[index] as unknown as Record<string, unknown>;
    const changed = Object.fromEntries(
      Object.entries(change).map(([name, value]) => [
        name,
        typeof value === 'number' ? (event[name] as number) + value : value,
      ]),
    );
    const { report } = divergenceOf(() => checkerBefore(index).event({ ...event, ...changed } as unknown as VmEvent));
    expect(report.likelyCauses.join()).toContain(cause);
  });
});

describe('replayed inputs', () => {
  const at = (cycle: number): { cycle: number; icount: number } => ({ cycle, icount: cycle });
  const input = (cycle: number, via: 'pull' | 'push', bytes: number[]): InputRecord & { events: number } => ({
    ...at(cycle),
    port: 'uart0',
    via,
    bytes: new Uint8Array(bytes),
    events: 0,
  });
  const source = (): ReplayInput => {
    const inputs = [input(10, 'pull', [1, 2]), input(20, 'push', [3]), input(30, 'pull', [4]), input(40, 'push', [])];
    return new ReplayInput({ inputs: () => inputs.values() as never });
  };

  test('come at their places and nowhere else', () => {
    const replayed = source();
    expect(replayed.nextPushCycle(at(0))).toBe(20);
    expect(replayed.pull('uart0', at(5), 8)).toBeUndefined();
    expect(replayed.pull('dbcn', at(10), 8)).toBeUndefined();
    expect(replayed.push('uart0', at(10), 8)).toBeUndefined();
    expect(replayed.pull('uart0', at(10), 8)).toEqual(new Uint8Array([1, 2]));
    expect(replayed.pull('uart0', at(10), 8)).toBeUndefined();
    expect(replayed.push('uart0', at(20), 8)).toEqual(new Uint8Array([3]));
    expect(replayed.nextPushCycle(at(20))).toBe(40);
    expect(replayed.pull('uart0', at(30), 1)).toEqual(new Uint8Array([4]));
    expect(replayed.hasEnded(at(39))).toBe(false);
    expect(replayed.push('uart0', at(40), 8)).toBeUndefined();
    expect(replayed.hasEnded(at(40))).toBe(true);
    expect(replayed.nextPushCycle(at(40))).toBe(Infinity);
    expect(replayed.hasEnded(at(99))).toBe(true);
  });

  test('that are passed over or do not fit are a divergence', () => {
    expect(divergenceOf(() => source().pull('uart0', at(11), 8)).report.recorded?.what).toBe('input');
    expect(divergenceOf(() => source().nextPushCycle(at(11))).report.replayed).toBeUndefined();
    expect(divergenceOf(() => source().hasEnded(at(11))).message).toContain('lacks the input');
    const { report } = divergenceOf(() => source().pull('uart0', at(10), 1));
    expect(report.differences.map(({ field }) => field)).toEqual(['bytes']);
  });
});
