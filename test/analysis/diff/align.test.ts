/** The alignment of two runs: complete, in order, close to the shortest where runs differ little, and never quadratic. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { align } from '../../../src/analysis/diff/align.ts';
import { EventQueue } from '../../../src/analysis/diff/event-queue.ts';
import { Signatures } from '../../../src/analysis/diff/signature.ts';
import type { VmEvent } from '../../../src/hypervisor/events.ts';

/** An event that is told from others by its reason only. */
function eventOf(reason: number, cycle: number): VmEvent {
  const stamp = { cycle, icount: cycle, hart: 0, pc: 0n };
  return { kind: 'exit', ...stamp, entryCycles: 0, handlingCycles: 0, returnCycles: 0, reason: String(reason) };
}

interface Alignment {
  /** `=`, `-` or `+` for each event. */
  readonly script: string;
  readonly left: readonly number[];
  readonly right: readonly number[];
  /** Events that were read, more than once if a run was looked at again. */
  readonly read: number;
}

function alignAll(left: readonly number[], right: readonly number[]): Alignment {
  const hashes = new Signatures();
  let read = 0;
  const open = (reasons: readonly number[]) =>
    new EventQueue(
      function* (from) {
        for (let at = from; at < reasons.length; at += 1) {
          read += 1;
          yield eventOf(reasons[at] as number, at);
        }
      },
      new Set(),
      hashes,
    );
  const script: string[] = [];
  const taken: [number[], number[]] = [[], []];
  align(open(left), open(right), {
    both: (a, b) => {
      script.push('=');
      taken[0].push(a.number);
      taken[1].push(b.number);
    },
    onlyLeft: ({ number }) => {
      script.push('-');
      taken[0].push(number);
    },
    onlyRight: ({ number }) => {
      script.push('+');
      taken[1].push(number);
    },
  });
  return { script: script.join(''), left: taken[0], right: taken[1], read };
}

const count = (script: string, sign: string) => script.split(sign).length - 1;

/** A run of a guest in a loop, with something of its own now and then. */
function loopRun(length: number): number[] {
  return Array.from({ length }, (_, at) => (at % 97 === 0 ? 1000 + at : at % 6));
}

describe('the alignment of two runs', () => {
  it('takes every event of both once, in order, and pairs only what is the same', () => {
    const runs = fc.array(fc.nat({ max: 5 }), { maxLength: 300 });
    fc.assert(
      fc.property(runs, runs, (left, right) => {
        const { script, left: lefts, right: rights } = alignAll(left, right);
        expect(lefts).toEqual(left.map((_, at) => at));
        expect(rights).toEqual(right.map((_, at) => at));
        let [at, to] = [0, 0];
        for (const sign of script) {
          if (sign === '=') expect(left[at]).toBe(right[to]);
          if (sign !== '+') at += 1;
          if (sign !== '-') to += 1;
        }
      }),
    );
  });

  it('finds the shortest script of short runs', () => {
    const runs = fc.array(fc.nat({ max: 3 }), { maxLength: 12 });
    fc.assert(
      fc.property(runs, runs, (left, right) => {
        const { script } = alignAll(left, right);
        expect(count(script, '-') + count(script, '+')).toBe(
          left.length + right.length - 2 * commonLength(left, right),
        );
      }),
    );
  });

  it('names exactly the events that were taken out and put in far from each other', () => {
    const changes = fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(changes, fc.boolean(), (places, takesOut) => {
        const left = loopRun(10_000);
        const right = takesOut
          ? left.filter((_, at) => !places.some((place) => at === place * 100))
          : left.flatMap((reason, at) => (places.some((place) => at === place * 100) ? [77, reason] : [reason]));
        const { script } = alignAll(left, right);
        expect([count(script, '-'), count(script, '+')]).toEqual(takesOut ? [places.length, 0] : [0, places.length]);
      }),
      { numRuns: 10 },
    );
  });

  it('names the event that is missing from a loop, and none that is not', () => {
    const places = fc.uniqueArray(fc.integer({ min: 1, max: 39 }), { minLength: 1, maxLength: 10 });
    // Loops of 2 or 3 events, between others: where one event is missing, one more would be the same for a while too.
    const left = Array.from({ length: 40 }, (_, block) => [
      100 + block,
      ...Array.from({ length: 200 }, (_, at) => at % (2 + (block % 2))),
    ]).flat();
    fc.assert(
      fc.property(places, fc.integer({ min: 1, max: 150 }), (blocks, offset) => {
        const missing = new Set(blocks.map((block) => block * 201 + offset));
        const right = left.filter((_, at) => !missing.has(at));
        const { script } = alignAll(left, right);
        expect([count(script, '-'), count(script, '+')]).toEqual([missing.size, 0]);
      }),
      { numRuns: 30 },
    );
  });

  it.each([500, 5_000, 60_000, 200_000])('meets again after %i events that one run has more', (more) => {
    const left = loopRun(20_000);
    const right = [
      ...left.slice(0, 7_000),
      ...Array.from({ length: more }, (_, at) => 50 + (at % 11)),
      ...left.slice(7_000),
    ];
    const { script, read } = alignAll(left, right);
    expect([count(script, '-'), count(script, '+')]).toEqual([0, more]);
    // Each event once, and a bounded window a second and a third time.
    expect(read).toBeLessThan(4 * (left.length + right.length));
  });

  it('does not take long over runs that have nothing in common, or only chance', () => {
    const random = (seed: number) => {
      let state = seed;
      return Array.from({ length: 300_000 }, () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return (state >>> 16) % 8;
      });
    };
    const other = alignAll(random(1), random(2));
    expect(count(other.script, '=')).toBeGreaterThan(50_000);
    const nothing = alignAll(
      random(3),
      random(4).map((reason) => reason + 100),
    );
    expect(count(nothing.script, '=')).toBe(0);
  });
});

/** Length of the longest common subsequence, by the book. */
function commonLength(left: readonly number[], right: readonly number[]): number {
  let row: number[] = new Array(right.length + 1).fill(0);
  for (const one of left) {
    const next = [0];
    for (const [at, other] of right.entries()) {
      next.push(one === other ? (row[at] as number) + 1 : Math.max(next[at] as number, row[at + 1] as number));
    }
    row = next;
  }
  return row[right.length] as number;
}
