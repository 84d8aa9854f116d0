/** The first inputs and digests in which two traces differ. They are compared in order: the n-th with the n-th. */
import type { RecordedCounters, RecordedDigest, RecordedInput, TraceReader } from '../../trace/reader.ts';
import type { Ignored } from './aspects.ts';

/** An input as it is shown: what it was and where. */
export interface ShownInput {
  readonly cycle: number;
  readonly icount: number;
  readonly port: string;
  readonly via: string;
  readonly lengthBytes: number;
}

export interface InputDifference {
  /** Inputs before it. */
  readonly number: number;
  /** `bytes`, or a field of its place or way; null where one trace has no more inputs. */
  readonly fields: readonly string[];
  readonly left: ShownInput | null;
  readonly right: ShownInput | null;
}

export interface DigestDifference {
  /** Digests before it. */
  readonly number: number;
  /** Parts that differ: `memory`, `harts`, `devices`; `cycle` or `icount` where they are not of one place. */
  readonly parts: readonly string[];
  readonly left: RecordedDigest | null;
  readonly right: RecordedDigest | null;
}

export interface CounterDifference {
  /** Digests before the one at whose place they were counted. */
  readonly number: number;
  readonly cycle: number;
  readonly changes: readonly { readonly counter: string; readonly left: number; readonly right: number }[];
}

/**
 * Compared where both were counted at the same place, and at the end of the run, wherever that is. Nothing where a trace has no counters.
 */
export function firstCounterDifference(
  left: TraceReader,
  right: TraceReader,
  ignored: Ignored,
): CounterDifference | null {
  const [rows, others] = [[...left.counters()], [...right.counters()]];
  for (const [number, row] of rows.entries()) {
    const isLast = number === rows.length - 1;
    const other = isLast ? others.at(-1) : others[number];
    if (other === undefined) return null;
    if (!isLast && (row.cycle !== other.cycle || row.icount !== other.icount)) continue;
    const changes = counterChanges(row, other, ignored);
    if (changes.length > 0) return { number, cycle: row.cycle, changes };
  }
  return null;
}

function counterChanges(left: RecordedCounters, right: RecordedCounters, ignored: Ignored) {
  const [a, b] = [left, right] as unknown as readonly [Counters, Counters];
  return Object.keys(left)
    .filter((counter) => !PLACE_FIELDS.has(counter) && !ignored.field(counter) && a[counter] !== b[counter])
    .map((counter) => ({ counter, left: a[counter] ?? 0, right: b[counter] ?? 0 }));
}

type Counters = Readonly<Record<string, number>>;
/** Of a row of counters: where it was, not what was counted. */
const PLACE_FIELDS: ReadonlySet<string> = new Set(['events', 'cycle', 'icount']);

export function firstInputDifference(left: TraceReader, right: TraceReader, ignored: Ignored): InputDifference | null {
  const others = right.inputs();
  let number = 0;
  for (const input of left.inputs()) {
    const other = others.next().value;
    const fields = other === undefined ? [] : inputFields(input, other, ignored);
    if (other === undefined || fields.length > 0) {
      return { number, fields, left: shown(input), right: other === undefined ? null : shown(other) };
    }
    number += 1;
  }
  const more = others.next().value;
  return more === undefined ? null : { number, fields: [], left: null, right: shown(more) };
}

export function firstDigestDifference(left: TraceReader, right: TraceReader): DigestDifference | null {
  const others = right.digests();
  let number = 0;
  for (const digest of left.digests()) {
    const other = others.next().value ?? null;
    const parts = DIGEST_PARTS.filter((part) => digest[part] !== other?.[part]);
    if (other === null || parts.length > 0) return { number, parts, left: digest, right: other };
    number += 1;
  }
  const more = others.next().value;
  return more === undefined ? null : { number, parts: [], left: null, right: more };
}

const DIGEST_PARTS = ['cycle', 'icount', 'memory', 'harts', 'devices'] as const;

function inputFields(left: RecordedInput, right: RecordedInput, ignored: Ignored): string[] {
  const fields: string[] = (['cycle', 'icount'] as const).filter(
    (field) => !ignored.field(field) && left[field] !== right[field],
  );
  for (const field of ['port', 'via'] as const) if (left[field] !== right[field]) fields.push(field);
  const { bytes } = left;
  const sameBytes = bytes.length === right.bytes.length && bytes.every((byte, at) => byte === right.bytes[at]);
  return sameBytes ? fields : [...fields, 'bytes'];
}

function shown({ cycle, icount, port, via, bytes }: RecordedInput): ShownInput {
  return { cycle, icount, port, via, lengthBytes: bytes.length };
}
