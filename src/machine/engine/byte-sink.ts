const UTF8 = new TextEncoder();

/**
 * Growing byte buffer with the LEB128 encodings of the format. Here, as in all that is done for each expression of generated code, nothing is taken
 * apart by patterns and few lists are gone through by `of`: the thread that translates runs what V8's baseline compiler makes of it, which does
 * not take iterators away.
 */
export class ByteSink {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param capacity bytes that are expected: each time that it grows, all is copied */
  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  raw(bytes: Uint8Array | readonly number[]): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** What another holds. */
  append(other: ByteSink): void {
    this.raw(other.#bytes.subarray(0, other.#length));
  }

  /** Unsigned LEB128. */
  u32(value: number): void {
    let rest = value >>> 0;
    if (rest < 0x80) {
      this.byte(rest);
      return;
    }
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of a 64-bit number in two signed halves. */
  s64(low: number, high: number): void {
    let rest = low;
    let above = high;
    while (above !== rest >> 31 || rest < -64 || rest > 63) {
      this.byte((rest & 0x7f) | 0x80);
      rest = (rest >>> 7) | (above << 25);
      above >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  name(text: string): void {
    const bytes = UTF8.encode(text);
    this.u32(bytes.length);
    this.raw(bytes);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(need: number): void {
    const bigger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + need));
    bigger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bigger;
  }
}
