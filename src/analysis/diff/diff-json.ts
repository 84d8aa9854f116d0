/** A comparison of two traces for programs: one plain object. 64-bit values are texts, as in `eventToJson`. */
import type { VmEvent } from '../../hypervisor/events.ts';
import { eventToJson, type JsonEvent } from '../describe.ts';
import { hex } from '../names.ts';
import type { DiffWords } from './diff-text.ts';
import type { Difference } from './difference-collector.ts';
import type { EventValue } from './event-fields.ts';
import type { NumberedEvent } from './event-queue.ts';
import type { TraceDiff } from './trace-diff.ts';

/** The whole of it, ready for `JSON.stringify`. */
export function diffToJson(diff: TraceDiff, words: DiffWords): object {
  const { first, places, kinds, digest } = diff;
  const event = (shown: VmEvent, side: 0 | 1): JsonEvent => {
    const symbol = words.symbols[side](shown.pc);
    return { ...eventToJson(shown, words.names), ...(symbol !== undefined && { symbol }) };
  };
  const numbered = (shown: NumberedEvent | null, side: 0 | 1) =>
    shown === null ? null : { number: shown.number, ...event(shown.event, side) };
  const difference = ({ left, right, changes }: Difference) => ({
    left: numbered(left, 0),
    right: numbered(right, 1),
    changes: changes.map(({ field, ...sides }) => ({ field, ...plainSides(sides) })),
  });
  return {
    ...diff,
    sides: words.sides,
    first: first && {
      ...difference(first),
      before: first.before.map((one) => numbered(one, 0)),
      after: first.after.map((events, side) => events.map((one) => event(one, side as 0 | 1))),
    },
    places: places.map(({ entries, more }) => ({ entries: entries.map(difference), more })),
    kinds: kinds.map(({ fields, ...row }) => ({
      ...row,
      fields: fields.map(({ field, count, by, ...sides }) => ({ field, count, ...plainSides(sides), by })),
    })),
    digest: digest && {
      ...digest,
      left: digest.left && plainDigest(digest.left),
      right: digest.right && plainDigest(digest.right),
    },
  };
}

type PlainValue = string | number | boolean | null;

function plainSides({ left, right }: { left: EventValue | undefined; right: EventValue | undefined }) {
  return { left: plainValue(left), right: plainValue(right) };
}

function plainValue(value: EventValue | undefined): PlainValue {
  if (value === undefined) return null;
  if (typeof value === 'bigint') return value < 0n ? String(value) : hex(value);
  return value;
}

function plainDigest(digest: object): Readonly<Record<string, PlainValue>> {
  return Object.fromEntries(
    Object.entries(digest as Record<string, EventValue>).map(([name, value]) => [name, plainValue(value)]),
  );
}
