/**
 * One sequence of bytes for one plain state, so that states can be hashed: each value is a type byte and its content, lengths first,
 * little-endian. Keys are taken in the order in which the state has them, which its producer fixes.
 */
import type { PlainState, PlainValue } from '../machine/bus.ts';

const TYPE = { number: 1, bigint: 2, false: 3, true: 4, string: 5, bytes: 6, list: 7, state: 8 } as const;
const CAPACITY_BYTES = 4096;

/** The canonical bytes of a state. */
export function canonicalBytes(state: PlainState): Uint8Array {
  const writer = new ByteWriter();
  writer.value(state);
  return writer.bytes();
}

class ByteWriter {
  #bytes = new Uint8Array(CAPACITY_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  readonly #text = new TextEncoder();

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  value(value: PlainValue): void {
    switch (typeof value) {
      case 'number':
        this.#type(TYPE.number);
        this.#grow(8);
        this.#view.setFloat64(this.#length, value, true);
        this.#length += 8;
        break;
      case 'bigint':
        this.#type(TYPE.bigint);
        this.#block(this.#text.encode(value.toString(16)));
        break;
      case 'boolean':
        this.#type(value ? TYPE.true : TYPE.false);
        break;
      case 'string':
        this.#type(TYPE.string);
        this.#block(this.#text.encode(value));
        break;
      default:
        this.#compound(value);
    }
  }

  #compound(value: Uint8Array | readonly PlainValue[] | PlainState): void {
    if (value instanceof Uint8Array) {
      this.#type(TYPE.bytes);
      this.#block(value);
    } else if (isList(value)) {
      this.#type(TYPE.list);
      this.#count(value.length);
      for (const item of value) this.value(item);
    } else {
      const entries = Object.entries(value);
      this.#type(TYPE.state);
      this.#count(entries.length);
      for (const [key, item] of entries) {
        this.#block(this.#text.encode(key));
        this.value(item);
      }
    }
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

  #block(bytes: Uint8Array): void {
    this.#count(bytes.length);
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
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

/** `Array.isArray` does not narrow readonly arrays. */
function isList(value: readonly PlainValue[] | PlainState): value is readonly PlainValue[] {
  return Array.isArray(value);
}
