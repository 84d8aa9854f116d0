/**
 * Gathers the events of one chunk. Guests poll and loop: most events equal an earlier one in all but the stamp, and mostly the one that
 * followed the last time too. All of an event but its stamp is its pattern; an event is the number of its pattern and its stamp. One
 * comparison with the pattern that is expected is nearly all that an event costs whoever has to tell of it, and what it takes to code an event is
 * paid once for a pattern. The memory may be shared: what was gathered can be coded on another thread.
 */
import { assert } from '../assert.ts';
import { type EventRow, HIGH, LOW, ROW_KINDS } from '../hypervisor/event-row.ts';
import type { EventKind } from '../hypervisor/events.ts';
import { SiteGuess } from './site-guess.ts';

const FIELDS_MAX = Math.max(...Object.values(ROW_KINDS).map(({ fields }) => fields.length));

/** Numbers of 64 bits that a pattern is made of, two halves each: kind by code, hart and pc, then the fields of the kind. A text is a number. */
export const PATTERN = { kind: 0, hart: 1, pc: 2, fields: 3, length: 3 + FIELDS_MAX } as const;
/** Distance of one pattern from the next. */
export const PATTERN_HALVES = 2 * PATTERN.length;
const [KIND, HART] = [2 * PATTERN.kind, 2 * PATTERN.hart] as const;
const [PC_LOW, PC_HIGH, FIELDS] = [2 * PATTERN.pc + LOW, 2 * PATTERN.pc + HIGH, 2 * PATTERN.fields] as const;

/** By kind: the places of its fields that are texts. */
const TEXT_PLACES: readonly (Uint8Array | undefined)[] = textPlacesByKind();

/** Memory for the events of a chunk. */
export interface EventRoom {
  /** Cycle and icount of each event, by turns. */
  readonly stamps: Float64Array;
  /** The pattern of each event. */
  readonly order: Uint16Array;
  /** {@link PATTERN_HALVES} each. */
  readonly patterns: Int32Array;
}

/** Events in their room: plain data. */
export interface GatheredEvents {
  readonly room: EventRoom;
  readonly count: number;
  readonly patternCount: number;
  /** The texts in the patterns, by number. */
  readonly texts: readonly string[];
}

/** @param capacity most events, at most `LIMITS.rowsPerChunk` */
export function makeEventRoom(capacity: number, isShared = false): EventRoom {
  const bytes = (count: number): ArrayBufferLike => (isShared ? new SharedArrayBuffer(count) : new ArrayBuffer(count));
  return {
    stamps: new Float64Array(bytes(2 * capacity * Float64Array.BYTES_PER_ELEMENT)),
    order: new Uint16Array(bytes(capacity * Uint16Array.BYTES_PER_ELEMENT)),
    patterns: new Int32Array(bytes(capacity * PATTERN_HALVES * Int32Array.BYTES_PER_ELEMENT)),
  };
}

export class EventGatherer {
  count = 0;
  #patternCount = 0;
  // From -0, so that they have room for any number from the start: see `MachineClock`.
  #lastCycle = -0;
  #lastIcount = -0;
  #room: EventRoom;
  readonly #guess: SiteGuess;
  /** By hash: a pattern and 1, or 0. */
  readonly #slots: Int32Array;
  #texts: string[] = [];
  readonly #textNumbers = new Map<string, number>();

  constructor(room: EventRoom) {
    const capacity = room.order.length;
    this.#room = room;
    this.#guess = new SiteGuess(capacity);
    this.#slots = slotsFor(capacity);
  }

  /** Adds an event. Asserts that stamps never decrease. The halves of texts in the row become numbers. */
  push(row: EventRow): void {
    const { kind, cycle, icount } = row;
    if (!(cycle >= this.#lastCycle && icount >= this.#lastIcount)) {
      const last = `cycle ${this.#lastCycle}, icount ${this.#lastIcount}`;
      assert(false, `event ${kind.kind} at cycle ${cycle}, icount ${icount} after ${last}`);
    }
    this.#lastCycle = cycle;
    this.#lastIcount = icount;
    const guess = this.#guess;
    const expected = guess.first;
    const isExpected = expected < this.#patternCount && this.#hasTexts(expected, row) && this.#isPattern(expected, row);
    const pattern = isExpected ? expected : this.#search(row);
    guess.learn(pattern);
    const at = this.count;
    const { order, stamps } = this.#room;
    order[at] = pattern;
    stamps[2 * at] = cycle;
    stamps[2 * at + 1] = icount;
    this.count = at + 1;
  }

  /** What has been gathered. Before the next event there has to be a {@link begin}. */
  take(): GatheredEvents {
    return { room: this.#room, count: this.count, patternCount: this.#patternCount, texts: this.#texts };
  }

  /** Begins another chunk in `room`, which has the same capacity. */
  begin(room: EventRoom): void {
    this.#room = room;
    this.#texts = [];
    this.#textNumbers.clear();
    if (this.count === 0) return;
    this.#guess.clear();
    this.#slots.fill(0);
    this.count = 0;
    this.#patternCount = 0;
  }

  /** Whether the texts of a row are those of a pattern of its kind. If so, the row has their numbers. */
  #hasTexts(pattern: number, { kind, texts, halves }: EventRow): boolean {
    const { patterns } = this.#room;
    const at = PATTERN_HALVES * pattern;
    if (patterns[at + KIND + LOW] !== kind.code) return false;
    const places = TEXT_PLACES[kind.code] as Uint8Array;
    for (let index = 0; index < places.length; index++) {
      const place = places[index] as number;
      const number = patterns[at + FIELDS + 2 * place + LOW] as number;
      if (this.#texts[number] !== texts[place]) return false;
      halves[2 * place + LOW] = number;
      halves[2 * place + HIGH] = 0;
    }
    return true;
  }

  /** Gives the texts of a row their numbers. */
  #numberTexts({ kind, texts, halves }: EventRow): void {
    const places = TEXT_PLACES[kind.code] as Uint8Array;
    for (let index = 0; index < places.length; index++) {
      const place = places[index] as number;
      halves[2 * place + LOW] = this.#numberText(texts[place] as string);
      halves[2 * place + HIGH] = 0;
    }
  }

  #numberText(text: string): number {
    const known = this.#textNumbers.get(text);
    if (known !== undefined) return known;
    const number = this.#texts.push(text) - 1;
    this.#textNumbers.set(text, number);
    return number;
  }

  #isPattern(pattern: number, { kind, hart, pcLow, pcHigh, halves }: EventRow): boolean {
    const { patterns } = this.#room;
    const at = PATTERN_HALVES * pattern;
    if (patterns[at + KIND + LOW] !== kind.code || patterns[at + PC_LOW] !== (pcLow | 0)) return false;
    if (patterns[at + HART + LOW] !== hart || patterns[at + PC_HIGH] !== (pcHigh | 0)) return false;
    const first = at + FIELDS;
    const count = 2 * kind.fields.length;
    for (let index = 0; index < count; index++) if (patterns[first + index] !== halves[index]) return false;
    return true;
  }

  #search(row: EventRow): number {
    this.#numberTexts(row);
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash(row) & mask;
    for (;;) {
      const found = slots[slot] as number;
      if (found === 0) break;
      if (this.#isPattern(found - 1, row)) return found - 1;
      slot = (slot + 1) & mask;
    }
    slots[slot] = this.#patternCount + 1;
    return this.#add(row);
  }

  #add({ kind, hart, pcLow, pcHigh, halves }: EventRow): number {
    const { patterns } = this.#room;
    const pattern = this.#patternCount;
    const at = PATTERN_HALVES * pattern;
    patterns[at + KIND + LOW] = kind.code;
    patterns[at + KIND + HIGH] = 0;
    patterns[at + HART + LOW] = hart;
    patterns[at + HART + HIGH] = 0;
    patterns[at + PC_LOW] = pcLow;
    patterns[at + PC_HIGH] = pcHigh;
    const first = at + FIELDS;
    const count = 2 * kind.fields.length;
    for (let index = 0; index < count; index++) patterns[first + index] = halves[index] as number;
    this.#patternCount = pattern + 1;
    return pattern;
  }
}

function hash({ kind, pcLow, hart, halves }: EventRow): number {
  let mixed = mixWord(kind.code, hart, pcLow);
  const count = 2 * kind.fields.length;
  for (let index = 0; index < count; index += 2) {
    mixed = mixWord(mixed, halves[index] as number, halves[index + 1] as number);
  }
  return mixed;
}

/** A hash of what `mixed` is of, and of a word of 64 bits. Its lower bits are as good as any. */
export function mixWord(mixed: number, low: number, high: number): number {
  const next = Math.imul(mixed ^ low, 0x85ebca6b) ^ high;
  return next ^ (next >>> 15);
}

/** Slots of a hash table for so many numbers: at most a quarter of them is ever taken. */
export function slotsFor(capacity: number): Int32Array {
  return new Int32Array(2 ** Math.ceil(Math.log2(4 * Math.max(1, capacity))));
}

function textPlacesByKind(): (Uint8Array | undefined)[] {
  const places: (Uint8Array | undefined)[] = [];
  for (const name of Object.keys(ROW_KINDS) as EventKind[]) {
    const { code, fields } = ROW_KINDS[name];
    places[code] = Uint8Array.from(fields.flatMap(({ type }, place) => (type === 'name' ? [place] : [])));
  }
  return places;
}
