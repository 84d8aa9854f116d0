/**
 * How two runs that have parted come together again. Two ways, each with bounded work and memory:
 *
 * - The shortest script of events left out and put in (Myers 1986, "An O(ND) difference algorithm and its variations"), greedily from
 *   here on and up to {@link EDITS_MAX} edits. It ends as soon as the runs are the same for a while.
 * - Sequences of events that either run has once in a wide window: the first that both have is where they meet. What lies before it
 *   is taken as left out and put in.
 *
 * What lies before a meeting is aligned by the longest common subsequence if it is short.
 *
 * Each look costs at most `EDITS_MAX`^2 steps or a window, and goes on by at least as many edits or that window: aligning N events
 * takes O(N * EDITS_MAX) steps at worst.
 */
import { commonSteps, type Step } from './common-subsequence.ts';
import type { Ahead } from './event-queue.ts';
import { mix } from './signature.ts';

/** Events ahead of where the runs part that a script is looked for in, at first and at most. */
const WINDOW_FIRST = 4096;
const WINDOW_MOST = 65_536;
const EDITS_MAX = 1024;
/** Runs are together again after so many equal events, and one more for so many edits before. */
const TOGETHER = 24;
const TOGETHER_PER_EDITS = 8;
/** A script that was given up is followed if at least this part of what it passes is the same in both runs. */
const WORTH = 0.5;

/** Length of the sequences that are to be unique. */
const SEQUENCE = 12;
/** Events of each run in which sequences are looked for: one window after the other, until they meet. */
const SCOUT_WINDOWS = [131_072, 1_048_576] as const;

/** Pairs of events that are looked at in the gap before a meeting: two bytes of memory each. */
const GAP_PAIRS_MAX = 4_194_304;

interface Scouting extends Ahead {
  scout(count: number): Int32Array;
}

/**
 * The next steps where the signatures of the next events differ, or one of the runs has ended.
 * @returns at least one step; none that takes nothing
 */
export function resync(left: Scouting, right: Scouting): Step[] {
  for (let window = WINDOW_FIRST; window <= WINDOW_MOST; window *= 16) {
    const script = shortestScript(left, right, window);
    if (script.together) return script.steps;
    // Both windows reach the ends of the runs, or a wider one would be given up just the same.
    if (script.exhausted && script.worth >= WORTH) return script.steps;
    if (script.exhausted) break;
  }
  for (const window of SCOUT_WINDOWS) {
    const [ahead, others] = [left.scout(window), right.scout(window)];
    const meeting = firstCommonSequence(ahead, others);
    if (meeting !== undefined) return acrossGap(ahead.subarray(0, meeting.left), others.subarray(0, meeting.right));
    const all = ahead.length < window && others.length < window;
    if (all || window === SCOUT_WINDOWS.at(-1)) return acrossGap(ahead, others);
  }
  return [];
}

function acrossGap(left: Int32Array, right: Int32Array): Step[] {
  if (left.length * right.length <= GAP_PAIRS_MAX) return commonSteps(left, right);
  return [{ both: 0, left: left.length, right: right.length }];
}

interface Script {
  readonly steps: Step[];
  /** Whether the runs are the same after it, or have both ended. */
  readonly together: boolean;
  /** Whether it was given up for its edits, rather than at the edge of the window. */
  readonly exhausted: boolean;
  /** Part of the events that it passes that both runs have. */
  readonly worth: number;
}

/** Furthest places in the left run, by diagonal (left less right), after one more edit each. */
interface Front {
  readonly edits: number;
  readonly reach: Int32Array;
}

function shortestScript(left: Ahead, right: Ahead, window: number): Script {
  const [leftCount, rightCount] = [left.look(window), right.look(window)];
  const atEdge = leftCount === window || rightCount === window;
  const fronts: Front[] = [];
  let best = { diagonal: 0, x: 0, sum: -1 };
  for (let edits = 0; edits <= EDITS_MAX; edits += 1) {
    const reach = new Int32Array(edits + 1).fill(-1);
    const before = fronts.at(-1);
    fronts.push({ edits, reach });
    let open = false;
    let meeting: { diagonal: number; x: number; sum: number } | undefined;
    for (let index = 0; index <= edits; index += 1) {
      const diagonal = 2 * index - edits;
      const start = startOf(before, diagonal);
      if (start < 0 || start > leftCount || start - diagonal > rightCount) continue;
      open = true;
      let x = start;
      while (x < leftCount && x - diagonal < rightCount && left.signature(x) === right.signature(x - diagonal)) x += 1;
      reach[index] = x;
      const y = x - diagonal;
      if (x + y > best.sum) best = { diagonal, x, sum: x + y };
      const ended = !atEdge && x === leftCount && y === rightCount;
      const isMeeting = ended || x - start >= TOGETHER + edits / TOGETHER_PER_EDITS;
      // In a loop many ways are the same for a while: the one that is longest is the right one.
      if (isMeeting && (meeting === undefined || x + y > meeting.sum)) meeting = { diagonal, x, sum: x + y };
    }
    if (meeting !== undefined) {
      const steps = stepsTo(fronts, meeting.diagonal, meeting.x);
      return { steps, together: true, exhausted: false, worth: 1 };
    }
    if (!open) {
      fronts.pop();
      break;
    }
  }
  const exhausted = fronts.length > EDITS_MAX || !atEdge;
  const steps = stepsTo(fronts, best.diagonal, best.x);
  const same = steps.reduce((sum, { both }) => sum + 2 * both, 0);
  return { steps, together: false, exhausted, worth: best.sum <= 0 ? 0 : same / best.sum };
}

/** Where a diagonal begins with one more edit: an event of the left run is passed, or one of the right. -1: it cannot be reached. */
function startOf(before: Front | undefined, diagonal: number): number {
  if (before === undefined) return 0;
  const below = reachOf(before, diagonal - 1);
  const above = reachOf(before, diagonal + 1);
  return Math.max(below < 0 ? -1 : below + 1, above);
}

function reachOf({ edits, reach }: Front, diagonal: number): number {
  return Math.abs(diagonal) > edits ? -1 : (reach[(diagonal + edits) / 2] ?? -1);
}

/** The steps of the way to a place, which lies on the furthest reach of its diagonal after some number of edits. */
function stepsTo(fronts: readonly Front[], lastDiagonal: number, lastX: number): Step[] {
  let edits = fronts.findIndex((front) => reachOf(front, lastDiagonal) === lastX);
  let [diagonal, x] = [lastDiagonal, lastX];
  const steps: Step[] = [];
  for (; edits > 0; edits -= 1) {
    const before = fronts[edits - 1] as Front;
    const start = startOf(before, diagonal);
    const passesLeft = reachOf(before, diagonal - 1) + 1 === start && reachOf(before, diagonal - 1) >= 0;
    if (x > start) steps.push({ both: x - start, left: 0, right: 0 });
    steps.push(passesLeft ? { both: 0, left: 1, right: 0 } : { both: 0, left: 0, right: 1 });
    diagonal += passesLeft ? -1 : 1;
    x = passesLeft ? start - 1 : start;
  }
  if (x > 0) steps.push({ both: x, left: 0, right: 0 });
  return steps.reverse();
}

/** The nearest place at which both have a sequence that each has once: how many events lie before it. */
function firstCommonSequence(left: Int32Array, right: Int32Array): { left: number; right: number } | undefined {
  const table = new SequenceTable(left);
  let nearest: { left: number; right: number } | undefined;
  const rightOnce = new SequenceTable(right);
  for (let at = 0; at + SEQUENCE <= right.length; at += 1) {
    if (nearest !== undefined && at >= nearest.left + nearest.right) break;
    const place = table.find(right, at);
    if (place === undefined || rightOnce.find(right, at) !== at) continue;
    if (nearest === undefined || place + at < nearest.left + nearest.right) nearest = { left: place, right: at };
  }
  return nearest === undefined ? undefined : withoutCommonEnd(left, right, nearest);
}

/** Where they meet is as far back as they are the same. */
function withoutCommonEnd(leftRun: Int32Array, rightRun: Int32Array, meeting: { left: number; right: number }) {
  let { left, right } = meeting;
  while (left > 0 && right > 0 && leftRun[left - 1] === rightRun[right - 1]) {
    left -= 1;
    right -= 1;
  }
  return { left, right };
}

const EMPTY = 0;
const TWICE = -1;

/** The sequences of {@link SEQUENCE} signatures of a run, with the place of those that it has once. */
class SequenceTable {
  readonly #signatures: Int32Array;
  readonly #hashes: Int32Array;
  /** One more than the place of a sequence; 0: none; -1: more than one. */
  readonly #places: Int32Array;
  readonly #mask: number;

  constructor(signatures: Int32Array) {
    this.#signatures = signatures;
    const count = Math.max(0, signatures.length - SEQUENCE + 1);
    this.#mask = 2 ** Math.ceil(Math.log2(2 * count + 2)) - 1;
    this.#hashes = new Int32Array(this.#mask + 1);
    this.#places = new Int32Array(this.#mask + 1);
    for (let at = 0; at < count; at += 1) {
      const hash = hashAt(signatures, at);
      const slot = this.#slotOf(hash);
      this.#places[slot] = this.#places[slot] === EMPTY ? at + 1 : TWICE;
      this.#hashes[slot] = hash;
    }
  }

  /** Where the run has the sequence that begins at a place of another; undefined if nowhere, or more than once. */
  find(other: Int32Array, at: number): number | undefined {
    const place = (this.#places[this.#slotOf(hashAt(other, at))] as number) - 1;
    if (place < 0) return undefined;
    for (let index = 0; index < SEQUENCE; index += 1) {
      if (this.#signatures[place + index] !== other[at + index]) return undefined;
    }
    return place;
  }

  #slotOf(hash: number): number {
    let slot = hash & this.#mask;
    while (this.#places[slot] !== EMPTY && this.#hashes[slot] !== hash) slot = (slot + 1) & this.#mask;
    return slot;
  }
}

function hashAt(signatures: Int32Array, at: number): number {
  let hash = 0;
  for (let index = 0; index < SEQUENCE; index += 1) hash = mix(hash, signatures[at + index] as number);
  return hash;
}
