/**
 * Symbols of a guest: from an address to the name around it, and from a name to its address. Kept as the file's own bytes and
 * an index sorted by address; a name is decoded when it is asked for, so a large or hostile table costs no more than its length.
 */
import { must } from '../../assert.ts';

/** What a symbol stands for. `label` is an assembler's or linker script's name without a type. */
export type SymbolKind = 'function' | 'object' | 'label';

export interface GuestSymbol {
  readonly name: string;
  readonly kind: SymbolKind;
  readonly address: bigint;
  /** 0 if the file does not say. */
  readonly sizeBytes: bigint;
}

/** A symbol and how far behind its beginning an address lies. */
export interface SymbolPlace extends GuestSymbol {
  readonly offset: bigint;
}

const SYMBOL_BYTES = 24;
/** Names are cut here; longer ones come from broken files only. */
const NAME_BYTES_MAX = 4096;
/** How many symbols before an address are looked at for one that spans it: labels inside a function come before it is found. */
const LOOK_BACK_MAX = 64;

const SHN_UNDEF = 0;
const SHN_ABS = 0xfff1;
/** Symbol types (gABI chapter 4, "Symbol Table") that name places in memory, in order of preference at one address. */
const KINDS = new Map<number, SymbolKind>([
  [2, 'function'],
  [1, 'object'],
  [0, 'label'],
]);
const RANK: Readonly<Record<SymbolKind, number>> = { function: 0, object: 1, label: 2 };

export class SymbolTable {
  static readonly empty = new SymbolTable(new Uint8Array(0), new Uint8Array(0));

  readonly #symbols: DataView;
  readonly #strings: Uint8Array;
  /** Offsets in the symbol section, by address, then preference, then position in the file. Made at the first search. */
  #index: Uint32Array | undefined;

  private constructor(symbols: Uint8Array, strings: Uint8Array) {
    this.#symbols = new DataView(symbols.buffer, symbols.byteOffset, symbols.byteLength);
    this.#strings = strings;
  }

  /** @param symbols bytes of a symbol section @param strings bytes of its string section; any bytes will do. */
  static read(symbols: Uint8Array, strings: Uint8Array): SymbolTable {
    return new SymbolTable(symbols, strings);
  }

  /** Symbols that name a place: functions, objects and labels that lie in a section. */
  get count(): number {
    return this.#sorted.length;
  }

  /** All of them by ascending address. */
  *[Symbol.iterator](): Iterator<GuestSymbol> {
    for (const offset of this.#sorted) yield this.#symbolAtOffset(offset);
  }

  /**
   * The symbol around an address: the nearest one before it that spans it, else the nearest label without a size;
   * undefined if there is none.
   */
  symbolAt(address: bigint): SymbolPlace | undefined {
    const after = this.#countUpTo(address);
    let label: number | undefined;
    for (let index = after - 1; index >= Math.max(0, after - LOOK_BACK_MAX); index--) {
      const offset = must(this.#sorted[index], 'symbol in range');
      const sizeBytes = this.#sizeOf(offset);
      if (sizeBytes > 0n && address - this.#addressOf(offset) < sizeBytes) return this.#place(offset, address);
      if (sizeBytes === 0n) label ??= offset;
    }
    return label === undefined ? undefined : this.#place(label, address);
  }

  /** The address of a defined symbol, absolute ones included; undefined if there is none. The first one in the file wins. */
  find(name: string): bigint | undefined {
    const wanted = new TextEncoder().encode(`${name}\0`);
    for (let offset = 0; offset + SYMBOL_BYTES <= this.#symbols.byteLength; offset += SYMBOL_BYTES) {
      if (this.#sectionOf(offset) !== SHN_UNDEF && this.#nameIs(offset, wanted)) return this.#addressOf(offset);
    }
    return undefined;
  }

  get #sorted(): Uint32Array {
    this.#index ??= this.#sort();
    return this.#index;
  }

  #sort(): Uint32Array {
    const offsets: number[] = [];
    for (let offset = 0; offset + SYMBOL_BYTES <= this.#symbols.byteLength; offset += SYMBOL_BYTES) {
      if (this.#namesPlace(offset)) offsets.push(offset);
    }
    offsets.sort((a, b) => {
      const [addressA, addressB] = [this.#addressOf(a), this.#addressOf(b)];
      if (addressA !== addressB) return addressA < addressB ? -1 : 1;
      // The preferred one last: a search comes from behind.
      return RANK[this.#kindOf(b)] - RANK[this.#kindOf(a)] || b - a;
    });
    return Uint32Array.from(offsets);
  }

  /** Mapping symbols (`$x`, `$d`: RISC-V ELF psABI) and local labels name no place that a reader wants to see. */
  #namesPlace(offset: number): boolean {
    const section = this.#sectionOf(offset);
    if (section === SHN_UNDEF || section === SHN_ABS || !KINDS.has(this.#typeOf(offset))) return false;
    const nameOffset = this.#nameOffsetOf(offset);
    const [first, second] = [this.#strings[nameOffset] ?? 0, this.#strings[nameOffset + 1] ?? 0];
    const isLocalLabel = first === 0x2e && second === 0x4c;
    return first !== 0 && first !== 0x24 && !isLocalLabel;
  }

  /** How many sorted symbols begin at or before an address. */
  #countUpTo(address: bigint): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#addressOf(must(this.#sorted[middle], 'symbol in range')) <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #place(offset: number, address: bigint): SymbolPlace {
    return { ...this.#symbolAtOffset(offset), offset: address - this.#addressOf(offset) };
  }

  #symbolAtOffset(offset: number): GuestSymbol {
    return {
      name: this.#nameOf(offset),
      kind: this.#kindOf(offset),
      address: this.#addressOf(offset),
      sizeBytes: this.#sizeOf(offset),
    };
  }

  #nameOffsetOf(offset: number): number {
    return this.#symbols.getUint32(offset, true);
  }

  #typeOf(offset: number): number {
    return this.#symbols.getUint8(offset + 4) & 0xf;
  }

  #kindOf(offset: number): SymbolKind {
    return KINDS.get(this.#typeOf(offset)) ?? 'label';
  }

  #sectionOf(offset: number): number {
    return this.#symbols.getUint16(offset + 6, true);
  }

  #addressOf(offset: number): bigint {
    return this.#symbols.getBigUint64(offset + 8, true);
  }

  #sizeOf(offset: number): bigint {
    return this.#symbols.getBigUint64(offset + 16, true);
  }

  #nameIs(offset: number, wanted: Uint8Array): boolean {
    const start = this.#nameOffsetOf(offset);
    return wanted.every((byte, index) => this.#strings[start + index] === byte);
  }

  /** The name up to its zero byte, the end of the strings, or the limit. */
  #nameOf(offset: number): string {
    const start = this.#nameOffsetOf(offset);
    const limited = this.#strings.subarray(start, start + NAME_BYTES_MAX);
    const end = limited.indexOf(0);
    return new TextDecoder().decode(end < 0 ? limited : limited.subarray(0, end));
  }
}
