/**
 * The events of a trace as a replay needs them: each is held against the row of the event that has just happened, word by word in the
 * columns of its chunk. No object is made of either.
 */
import { must } from '../assert.ts';
import { type EventRow, HIGH, LOW } from '../hypervisor/event-row.ts';
import type { ColumnValues } from './column-decoder.ts';
import { MalformedError } from './messagepack.ts';
import { EVENT_SHARED_COLUMNS, EVENT_SPECS, type EventSpec, SHARED_GROUP } from './schema.ts';
import type { Table } from './table.ts';

const SPEC_BY_CODE: ReadonlyMap<number, EventSpec> = new Map(EVENT_SPECS.map((spec) => [spec.code, spec]));

/** Columns of the events of one kind in a chunk, and which of them comes next. */
interface KindColumns {
  readonly words: readonly Uint32Array[];
  readonly isName: readonly boolean[];
  next: number;
}

/** The events of one chunk, in order. */
export class ChunkRows {
  readonly count: number;
  readonly #kinds: ArrayLike<number>;
  readonly #cycles: ArrayLike<number>;
  readonly #icounts: ArrayLike<number>;
  readonly #harts: ArrayLike<number>;
  readonly #pcs: Uint32Array;
  readonly #columns: (KindColumns | undefined)[] = [];
  /** Names of the chunk. One that was found equal gives way to the string that it equals, so that the next look is at once. */
  readonly #names: string[];
  #at = 0;

  /** Throws {@link MalformedError}, also for a kind of event that this version does not know. */
  constructor(table: Table) {
    this.count = table.count;
    this.#names = [...table.names];
    const shared = table.columns(SHARED_GROUP, EVENT_SHARED_COLUMNS);
    const [kinds, cycles, icounts, harts] = shared as unknown as readonly ArrayLike<number>[];
    this.#kinds = must(kinds, 'a column of all events');
    this.#cycles = must(cycles, 'a column of all events');
    this.#icounts = must(icounts, 'a column of all events');
    this.#harts = must(harts, 'a column of all events');
    this.#pcs = new Uint32Array((must(shared[4], 'a column of all events') as ColumnValues & BigUint64Array).buffer);
    const counts = new Map<number, number>();
    for (let at = 0; at < this.count; at++) {
      const code = this.#kinds[at] as number;
      counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    for (const [code, count] of counts) {
      const spec = SPEC_BY_CODE.get(code);
      if (spec === undefined) throw new MalformedError(`event kind ${code} is not known`);
      const words = table.columnWords(code, spec.columns, count);
      this.#columns[code] = { words, isName: spec.columns.map(({ type }) => type === 'name'), next: 0 };
    }
  }

  get hasNext(): boolean {
    return this.#at < this.count;
  }

  /** Whether the next event is this one: kind, stamp and all fields. */
  isNext(row: EventRow): boolean {
    const at = this.#at;
    const { kind, words, texts } = row;
    if (this.#kinds[at] !== kind.code || this.#cycles[at] !== row.cycle || this.#icounts[at] !== row.icount)
      return false;
    if (this.#harts[at] !== row.hart) return false;
    if (this.#pcs[2 * at + LOW] !== row.pcLow || this.#pcs[2 * at + HIGH] !== row.pcHigh) return false;
    const columns = this.#columns[kind.code] as KindColumns;
    const place = 2 * columns.next;
    for (let field = 0; field < columns.words.length; field++) {
      const column = columns.words[field] as Uint32Array;
      if (columns.isName[field]) {
        if (!this.#isName(column[place + LOW] as number, texts[field] as string)) return false;
      } else if (column[place] !== words[2 * field] || column[place + 1] !== words[2 * field + 1]) {
        return false;
      }
    }
    return true;
  }

  take(): void {
    const columns = this.#columns[this.#kinds[this.#at] as number];
    must(columns, 'a kind that occurs').next += 1;
    this.#at += 1;
  }

  #isName(index: number, text: string): boolean {
    if (this.#names[index] !== text) return false;
    this.#names[index] = text;
    return true;
  }
}

/** The events of a whole trace, in order. */
export class RecordedRows {
  /** Events passed over. */
  taken = 0;
  readonly #chunks: Iterator<ChunkRows, unknown, undefined>;
  #chunk: ChunkRows | undefined;

  constructor(chunks: Iterator<ChunkRows, unknown, undefined>) {
    this.#chunks = chunks;
    this.#nextChunk();
  }

  get hasNext(): boolean {
    return this.#chunk !== undefined;
  }

  /** Whether the next event is this one; false at the end. */
  isNext(row: EventRow): boolean {
    return this.#chunk?.isNext(row) ?? false;
  }

  take(): void {
    const chunk = must(this.#chunk, 'an event to take');
    chunk.take();
    this.taken += 1;
    if (!chunk.hasNext) this.#nextChunk();
  }

  /** Chunks without events are passed over. */
  #nextChunk(): void {
    do {
      const result = this.#chunks.next();
      this.#chunk = result.done === true ? undefined : result.value;
    } while (this.#chunk?.hasNext === false);
  }
}
