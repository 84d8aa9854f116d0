/**
 * One sequence of bytes for one plain state, so that states can be hashed: each value is a type byte and its content, lengths first,
 * little-endian. Keys are taken in the order in which the state has them, which its producer fixes.
 */
import type { PlainState, PlainValue } from '../machine/bus.ts';

const TYPE = { number: 1, bigint: 2, false: 3, true: 4, string: 5, bytes: 6, list: 7, state: 8 } as const;
const CAPACITY_BYTES = 4096;
const ASCII_END = 0x80;
/** Most bytes that one character of text takes (UTF-8, of one code unit). */
const CHARACTER_BYTES_MAX = 3;
const DIGITS = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/** The canonical bytes of a state. */
export function canonicalBytes(state: PlainState): Uint8Array {
  return new CanonicalWriter().bytes(state);
}

/** Makes canonical bytes again and again in the same room. */
export class CanonicalWriter {
  #bytes = new Uint8Array(CAPACITY_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  readonly #text = new TextEncoder();
  readonly #word = new BigUint64Array(1);
  readonly #halves = new DataView(this.#word.buffer);

  /** The canonical bytes of a state: good until the next call. */
  bytes(state: PlainState): Uint8Array {
    this.#length = 0;
    this.#value(state);
    return this.#bytes.subarray(0, this.#length);
  }

  #value(value: PlainValue): void {
    switch (typeof value) {
      case 'number':
        this.#type(TYPE.number);
        this.#grow(8);
        this.#view.setFloat64(this.#length, value, true);
        this.#length += 8;
        break;
      case 'bigint':
        this.#type(TYPE.bigint);
        this.#integer(value);
        break;
      case 'boolean':
        this.#type(value ? TYPE.true : TYPE.false);
        break;
      case 'string':
        this.#type(TYPE.string);
        this.#string(value);
        break;
      default:
        this.#compound(value);
    }
  }

  #compound(value: Uint8Array | readonly PlainValue[] | PlainState): void {
    if (value instanceof Uint8Array) {
      this.#type(TYPE.bytes);
      this.#count(value.length);
      this.#grow(value.length);
      this.#bytes.set(value, this.#length);
      this.#length += value.length;
    } else if (isList(value)) {
      this.#type(TYPE.list);
      this.#count(value.length);
      for (let index = 0; index < value.length; index++) this.#value(value[index] as PlainValue);
    } else {
      this.#type(TYPE.state);
      const at = this.#length;
      this.#count(0);
      let count = 0;
      // Plain objects inherit nothing that can be enumerated.
      for (const key in value) {
        this.#string(key);
        this.#value(value[key] as PlainValue);
        count++;
      }
      this.#view.setUint32(at, count, true);
    }
  }

  /** In hexadecimal. Those of 64 bits, which are nearly all, without a string on the way. */
  #integer(value: bigint): void {
    this.#word[0] = value;
    if (this.#word[0] !== value) {
      this.#string(value.toString(16));
      return;
    }
    const high = this.#halves.getInt32(HIGH_HALF, IS_LITTLE_ENDIAN);
    const low = this.#halves.getInt32(4 - HIGH_HALF, IS_LITTLE_ENDIAN);
    const digits = Math.max(1, high === 0 ? hexDigits(low) : 8 + hexDigits(high));
    this.#count(digits);
    this.#grow(digits);
    for (let digit = digits - 1; digit >= 0; digit--) {
      const half = digit < 8 ? low : high;
      this.#bytes[this.#length++] = DIGITS[(half >>> (4 * (digit & 7))) & 15] as number;
    }
  }

  /** As UTF-8. Nearly all text is ASCII. */
  #string(text: string): void {
    const at = this.#length;
    this.#count(text.length);
    this.#grow(CHARACTER_BYTES_MAX * text.length);
    const bytes = this.#bytes;
    let length = this.#length;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code >= ASCII_END) {
        length = at + 4 + this.#text.encodeInto(text, bytes.subarray(at + 4)).written;
        this.#view.setUint32(at, length - at - 4, true);
        break;
      }
      bytes[length++] = code;
    }
    this.#length = length;
  }

  #type(code: number): void {
    this.#grow(1);
    this.#bytes[this.#length++] = code;
  }

  #count(count: number): void {
    this.#grow(4);
    this.#view.setUint32(this.#length, count, true);
    this.#length += 4;
  }

  #grow(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** How words of the host's arrays lie in memory. */
const IS_LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
const HIGH_HALF = IS_LITTLE_ENDIAN ? 4 : 0;

/** Hexadecimal digits of a half without zeros in front; none of zero. */
function hexDigits(half: number): number {
  return (35 - Math.clz32(half)) >>> 2;
}

/** `Array.isArray` does not narrow readonly arrays. */
function isList(value: readonly PlainValue[] | PlainState): value is readonly PlainValue[] {
  return Array.isArray(value);
}
