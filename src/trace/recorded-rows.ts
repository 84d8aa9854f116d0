/**
 * The events of a trace as a replay needs them: each is held against the row of the event that has just happened, word by word in the
 * columns of its chunk. No object is made of either.
 */
import { type EventRow, HIGH, LOW } from '../hypervisor/event-row.ts';
import type { EventChunk, KindRows } from './event-chunk.ts';
import { MalformedError } from './messagepack.ts';

/** Fields of the events of one kind in a chunk, and which event comes next. */
interface KindColumns {
  /** Columns with one row per event, and the places of their fields. */
  readonly varying: readonly Uint32Array[];
  readonly varyingPlaces: readonly number[];
  /** Columns with one row per site, and the places of their fields. */
  readonly fixed: readonly Uint32Array[];
  readonly fixedPlaces: readonly number[];
  readonly isName: readonly boolean[];
  next: number;
}

/** The events of one chunk, in order. */
export class ChunkRows {
  readonly count: number;
  readonly #chunk: EventChunk;
  /** Of each site: its row among those of its kind. */
  readonly #siteRows: Uint16Array;
  readonly #columns: (KindColumns | undefined)[];
  /** Names of the chunk. One that was found equal gives way to the string that it equals, so that the next look is at once. */
  readonly #names: string[];
  #at = 0;

  /** Throws {@link MalformedError}, also for a kind of event that this version does not know. */
  constructor(chunk: EventChunk) {
    this.count = chunk.count;
    this.#chunk = chunk;
    this.#names = [...chunk.names];
    this.#siteRows = new Uint16Array(chunk.siteCount);
    this.#columns = chunk.kinds.map((kind) => kind && kindColumns(chunk, kind));
    for (const kind of chunk.kinds) {
      if (kind !== undefined) for (const [row, site] of kind.sites.entries()) this.#siteRows[site] = row;
    }
  }

  get hasNext(): boolean {
    return this.#at < this.count;
  }

  /** Passes over the next event if it is this one: kind, stamp and all fields. False if it is another. */
  takeIf(row: EventRow): boolean {
    const at = this.#at;
    const { cycles, icounts, sites, siteKinds, siteHarts, sitePcs } = this.#chunk;
    const { kind, words } = row;
    const site = sites[at] as number;
    if (siteKinds[site] !== kind.code || cycles[at] !== row.cycle || icounts[at] !== row.icount) return false;
    if (siteHarts[site] !== row.hart) return false;
    if (sitePcs[2 * site + LOW] !== row.pcLow || sitePcs[2 * site + HIGH] !== row.pcHigh) return false;
    const columns = this.#columns[kind.code] as KindColumns;
    const { varying, varyingPlaces } = columns;
    const place = 2 * columns.next;
    for (let index = 0; index < varying.length; index++) {
      const column = varying[index] as Uint32Array;
      const field = 2 * (varyingPlaces[index] as number);
      if (column[place] !== words[field] || column[place + 1] !== words[field + 1]) return false;
    }
    if (!this.#isSite(columns, 2 * (this.#siteRows[site] as number), row)) return false;
    columns.next += 1;
    this.#at = at + 1;
    return true;
  }

  #isSite({ fixed, fixedPlaces, isName }: KindColumns, place: number, { words, texts }: EventRow): boolean {
    for (let index = 0; index < fixed.length; index++) {
      const column = fixed[index] as Uint32Array;
      const field = fixedPlaces[index] as number;
      if (isName[index]) {
        if (!this.#isName(column[place + LOW] as number, texts[field] as string)) return false;
      } else if (column[place] !== words[2 * field] || column[place + 1] !== words[2 * field + 1]) {
        return false;
      }
    }
    return true;
  }

  #isName(index: number, text: string): boolean {
    if (this.#names[index] !== text) return false;
    this.#names[index] = text;
    return true;
  }
}

function kindColumns(chunk: EventChunk, kind: KindRows): KindColumns {
  const { code, spec } = kind;
  if (spec === undefined) throw new MalformedError(`event kind ${code} is not known`);
  const varying = spec.columns.filter(({ varies }) => varies);
  const fixed = spec.columns.filter(({ varies }) => !varies);
  return {
    varying: chunk.varyingWords(kind, varying),
    varyingPlaces: varying.map(({ place }) => place),
    fixed: chunk.siteWords(kind, fixed),
    fixedPlaces: fixed.map(({ place }) => place),
    isName: fixed.map(({ type }) => type === 'name'),
    next: 0,
  };
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
