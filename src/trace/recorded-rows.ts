/**
 * The events of a trace as a replay needs them: each is held against the row of the event that has just happened, word by word. No
 * object is made of either.
 */
import { type EventRow, HIGH, LOW, ROW_KINDS } from '../hypervisor/event-row.ts';
import type { EventKind } from '../hypervisor/events.ts';
import type { EventChunk, KindRows } from './event-chunk.ts';
import { MalformedError } from './messagepack.ts';
import type { EventColumn } from './schema.ts';

/** Halves of the fields of an event, as they lie in a row. */
const ROW_HALVES =
  2 * Math.max(...(Object.keys(ROW_KINDS) as EventKind[]).map((kind) => ROW_KINDS[kind].fields.length));

/** The fields of one kind that vary in a chunk, and which event comes next. */
interface VaryingColumns {
  /** One row per event, and where their fields lie in a row. */
  readonly columns: readonly Int32Array[];
  readonly halves: readonly number[];
  /** Where texts lie in a row, by their fields. */
  readonly texts: readonly number[];
  next: number;
}

/** The events of one chunk, in order. */
export class ChunkRows {
  readonly count: number;
  readonly #chunk: EventChunk;
  /** By site: what the next of its events has, {@link ROW_HALVES} each. Its fields that vary are set when it is looked at. A text is its place among the names. */
  readonly #expected: Int32Array;
  /** By kind. */
  readonly #varying: (VaryingColumns | undefined)[];
  /** Names of the chunk. One that was found equal gives way to the string that it equals, so that the next look is at once. */
  readonly #names: string[];
  #at = 0;

  /** Throws {@link MalformedError}, also for a kind of event that this version does not know. */
  constructor(chunk: EventChunk) {
    this.count = chunk.count;
    this.#chunk = chunk;
    this.#names = [...chunk.names];
    this.#expected = new Int32Array(ROW_HALVES * chunk.siteCount);
    this.#varying = chunk.kinds.map((kind) => kind && this.#open(kind));
  }

  get hasNext(): boolean {
    return this.#at < this.count;
  }

  /** Passes over the next event if it is this one: kind, stamp and all fields. False if it is another. The halves of texts in the row may change. */
  takeIf(row: EventRow): boolean {
    const at = this.#at;
    const { cycles, icounts, sites, siteKinds, siteHarts, sitePcs } = this.#chunk;
    const { kind } = row;
    const site = sites[at] as number;
    if (siteKinds[site] !== kind.code || cycles[at] !== row.cycle || icounts[at] !== row.icount) return false;
    if (siteHarts[site] !== row.hart) return false;
    if (sitePcs[2 * site + LOW] !== row.pcLow || sitePcs[2 * site + HIGH] !== row.pcHigh) return false;
    const varying = this.#varying[kind.code] as VaryingColumns;
    if (!this.#hasFields(row, ROW_HALVES * site, varying)) return false;
    varying.next += 1;
    this.#at = at + 1;
    return true;
  }

  /** Whether the fields of a row are those of the next event of its site. */
  #hasFields({ kind, halves: found, texts: foundTexts }: EventRow, first: number, varying: VaryingColumns): boolean {
    const expected = this.#expected;
    const { columns, halves, texts } = varying;
    const place = 2 * varying.next;
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index] as Int32Array;
      const half = first + (halves[index] as number);
      expected[half] = column[place] as number;
      expected[half + 1] = column[place + 1] as number;
    }
    for (let index = 0; index < texts.length; index++) {
      const field = texts[index] as number;
      const half = first + 2 * field;
      if (!this.#isName(expected[half + LOW] as number, foundTexts[field] as string)) return false;
      // What they were means nothing: now they are the same.
      found[2 * field] = expected[half] as number;
      found[2 * field + 1] = expected[half + 1] as number;
    }
    const count = 2 * kind.fields.length;
    for (let index = 0; index < count; index++) if (expected[first + index] !== found[index]) return false;
    return true;
  }

  #isName(index: number, text: string): boolean {
    if (this.#names[index] !== text) return false;
    this.#names[index] = text;
    return true;
  }

  /** Sets what the sites of a kind have, and gives what its events have. */
  #open(kind: KindRows): VaryingColumns {
    const { code, spec } = kind;
    if (spec === undefined) throw new MalformedError(`event kind ${code} is not known`);
    const fixed = spec.columns.filter(({ varies }) => !varies);
    for (const [index, words] of this.#chunk.siteWords(kind, fixed).entries()) {
      const { place } = fixed[index] as EventColumn;
      for (let row = 0; row < kind.sites.length; row++) this.#set(kind.sites[row] as number, place, words, row);
    }
    const varying: EventColumn[] = [];
    for (const column of spec.columns) {
      if (column.varies && this.#chunk.isUniform(kind, column)) this.#setUniform(kind, column);
      else if (column.varies) varying.push(column);
    }
    return {
      columns: this.#chunk.varyingWords(kind, varying).map(({ buffer }) => new Int32Array(buffer)),
      halves: varying.map(({ place }) => 2 * place),
      texts: fixed.filter(({ type }) => type === 'name').map(({ place }) => place),
      next: 0,
    };
  }

  /** Sets a field that all events of a kind have. */
  #setUniform(kind: KindRows, column: EventColumn): void {
    if (kind.count === 0) return;
    for (const words of this.#chunk.varyingWords({ ...kind, count: 1 }, [column])) {
      for (const site of kind.sites) this.#set(site, column.place, words, 0);
    }
  }

  #set(site: number, place: number, words: Uint32Array, row: number): void {
    const half = ROW_HALVES * site + 2 * place;
    this.#expected[half] = words[2 * row] as number;
    this.#expected[half + 1] = words[2 * row + 1] as number;
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

  /** Passes over the next event if it is this one. False if it is another, and at the end. */
  takeIf(row: EventRow): boolean {
    const chunk = this.#chunk;
    if (chunk === undefined || !chunk.takeIf(row)) return false;
    this.taken += 1;
    if (!chunk.hasNext) this.#nextChunk();
    return true;
  }

  /** Chunks without events are passed over. */
  #nextChunk(): void {
    do {
      const result = this.#chunks.next();
      this.#chunk = result.done === true ? undefined : result.value;
    } while (this.#chunk?.hasNext === false);
  }
}
