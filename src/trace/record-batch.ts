/**
 * Records of a run in batches, for a {@link RecordWriter} that works elsewhere: on another thread, or later. An event is a row of
 * 32-bit words, which takes a few nanoseconds to put down; whatever comes less often travels as it is. A batch ends where the writer would
 * write what is pending, so that nothing is pending between two of them.
 */
import { assert, must } from '../assert.ts';
import { EventRow, LOW, ROW_KINDS, type RowKind } from '../hypervisor/event-row.ts';
import type { EventKind, VmEvent } from '../hypervisor/events.ts';
import type { InputRecord, Observer, RunCounters, RunEnd, StateDigest } from '../session/ports.ts';
import { FLUSH } from './schema.ts';

/** Words of a row in front of those of its fields: kind by code, hart, halves of the pc, then cycle and icount as numbers of 64 bits. */
const HEAD_WORDS = 8;
const [KIND, HART, PC_LOW, PC_HIGH] = [0, 1, 2, 3] as const;
/** In units of such a number. */
const [CYCLE, ICOUNT] = [2, 3] as const;

/** How the fields of a kind lie in a row. */
interface RowLayout {
  readonly kind: RowKind;
  /** Two for each field, as in an {@link EventRow}. */
  readonly fieldWords: number;
  /** Places of the fields that are texts: their low halves are numbers of texts. */
  readonly textPlaces: Uint8Array;
}

const LAYOUTS: readonly (RowLayout | undefined)[] = makeLayouts();
const FIELDS_MAX = Math.max(...Object.values(ROW_KINDS).map(({ fields }) => fields.length));

/** Words that a batch may have. */
export const BATCH_WORDS = FLUSH.events * (HEAD_WORDS + 2 * FIELDS_MAX);

/** A record that is no event. `at`: words of the rows before it. */
export type OtherRecord =
  | { readonly at: number; readonly what: 'input'; readonly input: InputRecord }
  | { readonly at: number; readonly what: 'digest'; readonly digest: StateDigest; readonly counters?: RunCounters }
  | { readonly at: number; readonly what: 'end'; readonly end: RunEnd };

/** Records in order: plain data, and rows in memory that may be shared. */
export interface RecordBatch {
  readonly rows: Int32Array;
  /** Words of `rows` that are in use. */
  readonly wordCount: number;
  readonly eventCount: number;
  /** The texts in the rows, by number. */
  readonly texts: readonly string[];
  readonly others: readonly OtherRecord[];
}

/** Who makes a trace of batches. */
export interface BatchTaker {
  /** Where the next batch is to lie: {@link BATCH_WORDS} words, 8-byte aligned, which nobody else touches until it is taken. */
  room(): Int32Array;
  /** All that was asked for {@link room} before is full, and comes in order. */
  take(batch: RecordBatch): void;
  /** There is no other batch: returns when the trace is complete. */
  end(): void;
}

/** An observer that puts the records of a run into batches. */
export class RecordGatherer implements Observer {
  readonly #taker: BatchTaker;
  /** An event that came as an object. */
  readonly #row = new EventRow();
  #words: Int32Array;
  /** The same memory. */
  #numbers: Float64Array;
  #at = 0;
  #count = 0;
  #countBefore = 0;
  #texts: string[] = [];
  readonly #textNumbers = new Map<string, number>();
  /** By place of a field: the last text and its number. */
  readonly #lastTexts: (string | undefined)[] = new Array(FIELDS_MAX).fill(undefined);
  readonly #lastNumbers = new Uint32Array(FIELDS_MAX);
  #others: OtherRecord[] = [];
  #inputs = 0;
  #inputBytes = 0;
  #digests = 0;

  constructor(taker: BatchTaker) {
    this.#taker = taker;
    this.#words = taker.room();
    this.#numbers = numbersOf(this.#words);
  }

  /** Events so far. */
  get eventCount(): number {
    return this.#countBefore + this.#count;
  }

  event(event: VmEvent): void {
    this.#row.fill(event);
    this.eventRow(this.#row);
  }

  eventRow(row: EventRow): void {
    const { kind, halves } = row;
    const { fieldWords, textPlaces } = LAYOUTS[kind.code] as RowLayout;
    const words = this.#words;
    const at = this.#at;
    words[at + KIND] = kind.code;
    words[at + HART] = row.hart;
    words[at + PC_LOW] = row.pcLow;
    words[at + PC_HIGH] = row.pcHigh;
    const numbers = this.#numbers;
    numbers[(at >> 1) + CYCLE] = row.cycle;
    numbers[(at >> 1) + ICOUNT] = row.icount;
    const first = at + HEAD_WORDS;
    for (let index = 0; index < fieldWords; index++) words[first + index] = halves[index] as number;
    for (let index = 0; index < textPlaces.length; index++) {
      const place = textPlaces[index] as number;
      words[first + 2 * place + LOW] = this.#textNumber(place, row.texts[place] as string);
    }
    this.#at = first + fieldWords;
    this.#count += 1;
    if (this.#count === FLUSH.events) this.#handOn();
  }

  /** An input; its bytes are copied. */
  input(input: InputRecord): void {
    this.#others.push({ at: this.#at, what: 'input', input: { ...input, bytes: input.bytes.slice() } });
    this.#inputs += 1;
    this.#inputBytes += input.bytes.length;
    if (this.#inputs === FLUSH.inputs || this.#inputBytes >= FLUSH.inputBytes) this.#handOn();
  }

  digest(digest: StateDigest, counters?: RunCounters): void {
    const copy = { ...digest };
    this.#others.push({ at: this.#at, what: 'digest', digest: copy, ...(counters && { counters: { ...counters } }) });
    this.#digests += 1;
    if (this.#digests === FLUSH.digests) this.#handOn();
  }

  end(end: RunEnd): void {
    this.#others.push({ at: this.#at, what: 'end', end: { ...end } });
    this.#taker.take(this.#empty());
    this.#taker.end();
  }

  #handOn(): void {
    this.#taker.take(this.#empty());
    this.#words = this.#taker.room();
    this.#numbers = numbersOf(this.#words);
  }

  /** What has been gathered. */
  #empty(): RecordBatch {
    const [rows, wordCount, eventCount] = [this.#words, this.#at, this.#count];
    const batch = { rows, wordCount, eventCount, texts: this.#texts, others: this.#others };
    this.#countBefore += eventCount;
    this.#at = 0;
    this.#count = 0;
    this.#texts = [];
    this.#textNumbers.clear();
    this.#lastTexts.fill(undefined);
    this.#others = [];
    this.#inputs = 0;
    this.#inputBytes = 0;
    this.#digests = 0;
    return batch;
  }

  #textNumber(place: number, text: string): number {
    if (this.#lastTexts[place] === text) return this.#lastNumbers[place] as number;
    let number = this.#textNumbers.get(text);
    if (number === undefined) {
      number = this.#texts.push(text) - 1;
      this.#textNumbers.set(text, number);
    }
    this.#lastTexts[place] = text;
    this.#lastNumbers[place] = number;
    return number;
  }
}

/** Tells an observer of all records of a batch, in order. `eventRow` is given one row again and again. */
export function playBatch(batch: RecordBatch, observer: Observer & Required<Pick<Observer, 'eventRow'>>): void {
  const row = new EventRow();
  const { rows, wordCount, texts, others } = batch;
  const numbers = numbersOf(rows);
  let next = 0;
  for (let at = 0; ; ) {
    for (; others[next]?.at === at; next++) tell(others[next] as OtherRecord, observer);
    if (at >= wordCount) break;
    at = fillRow(row, rows, numbers, at, texts);
    observer.eventRow(row);
  }
  assert(next === others.length, 'each record of a batch has its place between rows');
}

/** Sets `row` to what lies at a word, and returns where the next one does. */
function fillRow(row: EventRow, rows: Int32Array, numbers: Float64Array, at: number, texts: readonly string[]): number {
  const { kind, fieldWords, textPlaces } = LAYOUTS[rows[at + KIND] as number] as RowLayout;
  row.kind = kind;
  row.hart = rows[at + HART] as number;
  row.pcLow = (rows[at + PC_LOW] as number) >>> 0;
  row.pcHigh = (rows[at + PC_HIGH] as number) >>> 0;
  row.cycle = numbers[(at >> 1) + CYCLE] as number;
  row.icount = numbers[(at >> 1) + ICOUNT] as number;
  const first = at + HEAD_WORDS;
  const { halves } = row;
  for (let index = 0; index < fieldWords; index++) halves[index] = rows[first + index] as number;
  for (let index = 0; index < textPlaces.length; index++) {
    const place = textPlaces[index] as number;
    row.texts[place] = must(texts[rows[first + 2 * place + LOW] as number], 'a row has texts of its batch');
  }
  return first + fieldWords;
}

function tell(record: OtherRecord, observer: Observer): void {
  if (record.what === 'input') observer.input(record.input);
  else if (record.what === 'digest') observer.digest(record.digest, record.counters);
  else observer.end(record.end);
}

function numbersOf(words: Int32Array): Float64Array {
  return new Float64Array(words.buffer, words.byteOffset, words.length >> 1);
}

function makeLayouts(): (RowLayout | undefined)[] {
  const layouts: (RowLayout | undefined)[] = [];
  for (const name of Object.keys(ROW_KINDS) as EventKind[]) {
    const kind = ROW_KINDS[name];
    const textPlaces = kind.fields.flatMap(({ type }, place) => (type === 'name' ? [place] : []));
    layouts[kind.code] = { kind, fieldWords: 2 * kind.fields.length, textPlaces: Uint8Array.from(textPlaces) };
  }
  return layouts;
}
