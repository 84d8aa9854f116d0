/** Builds small ELF64 files for tests: headers, segments, and a symbol table. */

export interface ElfSegmentSpec {
  readonly physicalAddress: bigint;
  readonly virtualAddress?: bigint;
  readonly bytes: Uint8Array;
  /** Length in memory; that of `bytes` by default. */
  readonly memoryBytes?: bigint;
}

export interface ElfSymbolSpec {
  readonly name: string;
  readonly address: bigint;
  readonly sizeBytes?: bigint;
  /** 0 none, 1 object, 2 function (default), 4 file. */
  readonly type?: number;
  /** Section index: 1 by default, 0 undefined, 0xfff1 absolute. */
  readonly section?: number;
}

export interface ElfSpec {
  readonly entry: bigint;
  readonly segments: readonly ElfSegmentSpec[];
  readonly symbols?: readonly ElfSymbolSpec[];
}

const HEADER = 64;
const PROGRAM = 56;
const SECTION = 64;
const SYMBOL = 24;

/** The file, with sections 0 (null), 1 (symbols) and 2 (strings). */
export function buildElf(spec: ElfSpec): Uint8Array<ArrayBuffer> {
  const symbols = spec.symbols ?? [];
  const strings = new TextEncoder().encode(`\0${symbols.map(({ name }) => `${name}\0`).join('')}`);
  const dataStart = HEADER + PROGRAM * spec.segments.length;
  const dataBytes = spec.segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const symbolsAt = dataStart + dataBytes;
  const stringsAt = symbolsAt + SYMBOL * (symbols.length + 1);
  const sectionsAt = stringsAt + strings.length;
  const out = new Uint8Array(sectionsAt + 3 * SECTION);
  const view = new DataView(out.buffer);

  out.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  for (const [offset, value] of [
    [16, 2],
    [18, 243],
    [20, 1],
    [52, HEADER],
    [54, PROGRAM],
    [56, spec.segments.length],
    [58, SECTION],
    [60, 3],
  ] as const) {
    view.setUint16(offset, value, true);
  }
  view.setBigUint64(24, spec.entry, true);
  view.setBigUint64(32, BigInt(HEADER), true);
  view.setBigUint64(40, BigInt(sectionsAt), true);

  let at = dataStart;
  for (const [index, segment] of spec.segments.entries()) {
    const header = HEADER + index * PROGRAM;
    view.setUint32(header, 1, true);
    view.setBigUint64(header + 8, BigInt(at), true);
    view.setBigUint64(header + 16, segment.virtualAddress ?? segment.physicalAddress, true);
    view.setBigUint64(header + 24, segment.physicalAddress, true);
    view.setBigUint64(header + 32, BigInt(segment.bytes.length), true);
    view.setBigUint64(header + 40, segment.memoryBytes ?? BigInt(segment.bytes.length), true);
    out.set(segment.bytes, at);
    at += segment.bytes.length;
  }

  let nameAt = 1;
  for (const [index, symbol] of symbols.entries()) {
    const entry = symbolsAt + (index + 1) * SYMBOL;
    view.setUint32(entry, nameAt, true);
    view.setUint8(entry + 4, 0x10 | (symbol.type ?? 2));
    view.setUint16(entry + 6, symbol.section ?? 1, true);
    view.setBigUint64(entry + 8, symbol.address, true);
    view.setBigUint64(entry + 16, symbol.sizeBytes ?? 0n, true);
    nameAt += new TextEncoder().encode(symbol.name).length + 1;
  }
  out.set(strings, stringsAt);

  const section = (
    index: number,
    type: number,
    offset: number,
    sizeBytes: number,
    link: number,
    entryBytes: number,
  ) => {
    const header = sectionsAt + index * SECTION;
    view.setUint32(header + 4, type, true);
    view.setBigUint64(header + 24, BigInt(offset), true);
    view.setBigUint64(header + 32, BigInt(sizeBytes), true);
    view.setUint32(header + 40, link, true);
    view.setBigUint64(header + 56, BigInt(entryBytes), true);
  };
  section(1, 2, symbolsAt, stringsAt - symbolsAt, 2, SYMBOL);
  section(2, 3, stringsAt, strings.length, 0, 0);
  return out;
}
