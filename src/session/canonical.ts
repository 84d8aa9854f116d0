/**
 * One sequence of bytes for one state, so that states can be hashed: each value is a type byte and its content, lengths first,
 * little-endian; a state has the number of its fields, and each has its key before it. Fields come in the order in which their producer
 * hands them over.
 *
 * A state is written again and again, and little of it changes. So the writer remembers where each value lies in its bytes: as long as the same
 * fields come with contents of the same size, only contents are written over. From the first that differs on, all is written anew.
 */
import { assert } from '../assert.ts';
import type { PlainState, PlainValue } from '../machine/bus.ts';
import { type Stateful, type StateSink, writeFields } from '../machine/state-sink.ts';

const TYPE = { number: 1, bigint: 2, false: 3, true: 4, string: 5, bytes: 6, list: 7, state: 8 } as const;
/**
 * What may lie at a place besides a value of a type. A boolean is its type; a word is a bigint that came in halves; words are a list whose items have
 * no places of their own; a constant is a state; at an end nothing lies. None is where no place is known yet.
 */
const KIND = { none: 0, ...TYPE, boolean: 9, word: 10, words: 11, constant: 12, end: 13 } as const;
type Kind = (typeof KIND)[keyof typeof KIND];

type Container = typeof KIND.state | typeof KIND.list | typeof KIND.constant;
/** The type that is written, by kind, where it is not part of the content. */
const TYPE_OF: readonly (number | undefined)[] = Object.values(KIND).map((kind) => {
  if (kind === KIND.word) return TYPE.bigint;
  if (kind === KIND.words) return TYPE.list;
  if (kind === KIND.constant) return TYPE.state;
  return kind === KIND.none || kind === KIND.boolean || kind === KIND.end ? undefined : kind;
});

const CAPACITY_BYTES = 4096;
const PLACES = 512;
const COUNT_BYTES = 4;
const ASCII_END = 0x80;
/** Most bytes that one character of text takes (UTF-8, of one code unit). */
const CHARACTER_BYTES_MAX = 3;
const WORD_DIGITS_MAX = 16;
const DIGITS = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/** The canonical bytes of plain data. */
export function canonicalBytes(state: PlainState): Uint8Array {
  return new CanonicalWriter().bytes({ writeState: (sink) => writeFields(sink, state) });
}

/** Makes canonical bytes again and again, best of one and the same thing. */
export class CanonicalWriter implements StateSink {
  #bytes = new Uint8Array(CAPACITY_BYTES);
  #view = new DataView(this.#bytes.buffer);
  readonly #text = new TextEncoder();
  readonly #word = new BigUint64Array(1);
  readonly #halves = new DataView(this.#word.buffer);
  /**
   * Places that are known, by columns, because all of them are looked at each time: key, kind, where in the bytes the content begins and ends. After
   * the last comes one of no kind.
   */
  readonly #keys: (string | undefined)[] = [];
  #kinds = new Uint8Array(PLACES);
  #starts = new Uint32Array(PLACES);
  #ends = new Uint32Array(PLACES);
  /** What can be told to be the same by a look: text, bigints, constants; and the place after a constant. */
  readonly #contents: (string | bigint | PlainState | undefined)[] = [];
  #nexts = new Uint32Array(PLACES);
  /** How many places this time has come past. */
  #count = 0;
  /** Whether all has been as it was the last time. If not: what is open, by the place of its count in the bytes, and that count so far. */
  #isSame = true;
  readonly #openAt: number[] = [];
  readonly #openCounts: number[] = [];

  /** The canonical bytes: good until the next call. */
  bytes(of: Stateful): Uint8Array {
    this.#count = 0;
    this.#isSame = true;
    this.state(undefined, of);
    assert(this.#isSame || this.#openAt.length === 0, 'what begins ends');
    return this.#bytes.subarray(0, this.#ends[this.#count - 1]);
  }

  state(key: string | undefined, part: Stateful): void {
    this.begin(key);
    part.writeState(this);
    this.end();
  }

  begin(key: string | undefined): void {
    this.#begin(key, KIND.state);
  }

  beginList(key: string | undefined): void {
    this.#begin(key, KIND.list);
  }

  end(): void {
    const at = this.#next(undefined, KIND.end);
    if (this.#isSame) return;
    assert(this.#openAt.length > 0, 'what ends has begun');
    this.#view.setUint32(this.#openAt.pop() as number, this.#openCounts.pop() as number, true);
    this.#setEnd(at);
  }

  value(key: string | undefined, value: PlainValue): void {
    switch (typeof value) {
      case 'number': {
        const at = this.#next(key, KIND.number);
        this.#view.setFloat64(at, value, true);
        if (!this.#isSame) this.#setEnd(at + 8);
        break;
      }
      case 'boolean': {
        const at = this.#next(key, KIND.boolean);
        this.#bytes[at] = value ? TYPE.true : TYPE.false;
        if (!this.#isSame) this.#setEnd(at + 1);
        break;
      }
      case 'string':
      case 'bigint':
        this.#scalar(key, value);
        break;
      default:
        this.#compound(key, value);
    }
  }

  constant(key: string | undefined, value: PlainState): void {
    const first = this.#count;
    if (this.#contents[first] === value && this.#keys[first] === key && this.#kinds[first] === KIND.constant) {
      this.#count = this.#nexts[first] as number;
      return;
    }
    // Known again when all of it has been written.
    if (this.#kinds[first] === KIND.constant) this.#contents[first] = undefined;
    this.#begin(key, KIND.constant);
    writeFields(this, value);
    this.end();
    this.#contents[first] = value;
    this.#nexts[first] = this.#count;
  }

  word(key: string | undefined, low: number, high: number): void {
    this.#finish(this.#putWord(this.#next(key, KIND.word), low, high));
  }

  words(key: string | undefined, view: DataView, offset: number, count: number): void {
    let at = this.#next(key, KIND.words);
    this.#room(at + COUNT_BYTES + count * (1 + COUNT_BYTES + WORD_DIGITS_MAX));
    this.#view.setUint32(at, count, true);
    at += COUNT_BYTES;
    for (let from = offset; from < offset + 8 * count; from += 8) {
      this.#bytes[at] = TYPE.bigint;
      at = this.#putWord(at + 1, view.getInt32(from, true), view.getInt32(from + 4, true));
    }
    this.#finish(at);
  }

  #scalar(key: string | undefined, value: string | bigint): void {
    const isText = typeof value === 'string';
    const at = this.#next(key, isText ? KIND.string : KIND.bigint);
    const place = this.#count - 1;
    if (this.#contents[place] === value) return;
    this.#contents[place] = value;
    this.#finish(isText ? this.#putText(at, value) : this.#putInteger(at, value));
  }

  #compound(key: string | undefined, value: Uint8Array | readonly PlainValue[] | PlainState): void {
    if (value instanceof Uint8Array) {
      const at = this.#next(key, KIND.bytes);
      const end = at + COUNT_BYTES + value.length;
      this.#room(end);
      this.#view.setUint32(at, value.length, true);
      this.#bytes.set(value, at + COUNT_BYTES);
      this.#finish(end);
    } else if (isList(value)) {
      this.beginList(key);
      for (let index = 0; index < value.length; index++) this.value(undefined, value[index] as PlainValue);
      this.end();
    } else {
      this.begin(key);
      writeFields(this, value);
      this.end();
    }
  }

  #begin(key: string | undefined, kind: Container): void {
    const at = this.#next(key, kind);
    // The count of the last time stands until it turns out that it is another.
    if (this.#isSame) return;
    this.#openAt.push(at);
    this.#openCounts.push(0);
    this.#setEnd(at + COUNT_BYTES);
  }

  #setEnd(end: number): void {
    this.#ends[this.#count - 1] = end;
  }

  /** Where the content of the next place begins: room for a number there. */
  #next(key: string | undefined, kind: Kind): number {
    const place = this.#count;
    if (this.#kinds[place] !== kind || this.#keys[place] !== key) return this.#append(key, kind);
    this.#count = place + 1;
    return this.#starts[place] as number;
  }

  /** The content of a place has been written, up to `end`. */
  #finish(end: number): void {
    if (this.#ends[this.#count - 1] === end) return;
    this.#setEnd(end);
    if (this.#isSame) this.#differs();
  }

  /** From here on it is not as the last time. */
  #differs(): void {
    this.#isSame = false;
    this.#openAt.length = 0;
    this.#openCounts.length = 0;
    for (let place = 0; place < this.#count; place++) {
      const kind = this.#kinds[place];
      if (kind === KIND.end) {
        this.#openAt.pop();
        this.#openCounts.pop();
        continue;
      }
      this.#countOne();
      if (kind !== KIND.state && kind !== KIND.list && kind !== KIND.constant) continue;
      this.#openAt.push(this.#starts[place] as number);
      this.#openCounts.push(0);
    }
    this.#kinds[this.#count] = KIND.none;
  }

  #countOne(): void {
    const last = this.#openCounts.length - 1;
    if (last >= 0) this.#openCounts[last] = (this.#openCounts[last] as number) + 1;
  }

  #append(key: string | undefined, kind: Kind): number {
    if (this.#isSame) this.#differs();
    const place = this.#count;
    let at = place === 0 ? 0 : (this.#ends[place - 1] as number);
    if (kind !== KIND.end) this.#countOne();
    if (key !== undefined) at = this.#putText(at, key);
    this.#room(at + 1 + 8);
    const type = TYPE_OF[kind];
    if (type !== undefined) this.#bytes[at++] = type;
    this.#count = place + 1;
    if (this.#count === this.#kinds.length) this.#growPlaces();
    this.#keys[place] = key;
    this.#kinds[place] = kind;
    this.#starts[place] = at;
    this.#contents[place] = undefined;
    this.#kinds[this.#count] = KIND.none;
    return at;
  }

  #growPlaces(): void {
    const count = 2 * this.#kinds.length;
    this.#kinds = grown(this.#kinds, new Uint8Array(count));
    this.#starts = grown(this.#starts, new Uint32Array(count));
    this.#ends = grown(this.#ends, new Uint32Array(count));
    this.#nexts = grown(this.#nexts, new Uint32Array(count));
  }

  /** In hexadecimal. Those of 64 bits, which are nearly all, without a string on the way. */
  #putInteger(at: number, value: bigint): number {
    this.#word[0] = value;
    if (this.#word[0] !== value) return this.#putText(at, value.toString(16));
    const high = this.#halves.getInt32(HIGH_HALF, IS_LITTLE_ENDIAN);
    return this.#putWord(at, this.#halves.getInt32(4 - HIGH_HALF, IS_LITTLE_ENDIAN), high);
  }

  #putWord(at: number, low: number, high: number): number {
    const digits = Math.max(1, high === 0 ? hexDigits(low) : 8 + hexDigits(high));
    this.#room(at + COUNT_BYTES + digits);
    const bytes = this.#bytes;
    this.#view.setUint32(at, digits, true);
    let to = at + COUNT_BYTES;
    for (let digit = digits - 1; digit >= 8; digit--) bytes[to++] = DIGITS[(high >>> (4 * (digit & 7))) & 15] as number;
    for (let digit = Math.min(digits, 8) - 1; digit >= 0; digit--)
      bytes[to++] = DIGITS[(low >>> (4 * digit)) & 15] as number;
    return to;
  }

  /** As UTF-8. Nearly all text is ASCII. */
  #putText(at: number, text: string): number {
    this.#room(at + COUNT_BYTES + CHARACTER_BYTES_MAX * text.length);
    const bytes = this.#bytes;
    let to = at + COUNT_BYTES;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code >= ASCII_END) {
        to = at + COUNT_BYTES + this.#text.encodeInto(text, bytes.subarray(at + COUNT_BYTES)).written;
        break;
      }
      bytes[to++] = code;
    }
    this.#view.setUint32(at, to - at - COUNT_BYTES, true);
    return to;
  }

  #room(end: number): void {
    if (end <= this.#bytes.length) return;
    this.#bytes = grown(this.#bytes, new Uint8Array(Math.max(end, 2 * this.#bytes.length)));
    this.#view = new DataView(this.#bytes.buffer);
  }
}

/** How words of the host's arrays lie in memory. */
const IS_LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
const HIGH_HALF = IS_LITTLE_ENDIAN ? 4 : 0;

function grown<Column extends Uint8Array | Uint32Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}

/** Hexadecimal digits of a half without zeros in front; none of zero. */
function hexDigits(half: number): number {
  return (35 - Math.clz32(half)) >>> 2;
}

/** `Array.isArray` does not narrow readonly arrays. */
function isList(value: readonly PlainValue[] | PlainState): value is readonly PlainValue[] {
  return Array.isArray(value);
}
