/**
 * Reads ELF64 files for RISC-V (System V gABI chapters 4 and 5, RISC-V ELF psABI): the segments to load, the entry point, the
 * symbols. The file is untrusted: every offset, count and address is checked before it is used, work is bounded by the length
 * of the file, and names are decoded only when asked for.
 *
 * Left out on purpose: relocation, dynamic linking and section numbers of 0xff00 and above (extended numbering). A
 * position-independent file is taken at its link address; kernels and loaders that are built so relocate themselves.
 */
import { ParatraceError } from '../../errors.ts';
import { SymbolTable } from './symbol-table.ts';

const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;

const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const EV_CURRENT = 1;
const ET_EXEC = 2;
const ET_DYN = 3;
const EM_RISCV = 243;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;

/** One `PT_LOAD` segment. Addresses are below 2^53; `memoryBytes >= fileBytes`. */
export interface ElfSegment {
  readonly physicalAddress: number;
  readonly virtualAddress: bigint;
  readonly fileOffset: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

export interface ElfFile {
  /** Entry point as linked: a virtual address. */
  readonly entry: bigint;
  /** Segments to load by ascending physical address, none empty, no two overlapping. At least one. */
  readonly segments: readonly ElfSegment[];
  readonly symbols: SymbolTable;
}

/** Whether a file says of itself that it is ELF. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/**
 * Parses and validates a file. Nothing is copied: segments are offsets into `bytes`.
 * @param name of the file, for errors.
 * @throws ParatraceError `image.elf` with the offending value and its file offset.
 */
export function parseElf(bytes: Uint8Array, name: string): ElfFile {
  const file = new CheckedFile(bytes, name);
  checkIdentification(file);
  return { entry: file.u64(24), segments: readSegments(file), symbols: readSymbols(file) };
}

/** The physical address of a virtual one by the segment that holds it; undefined if none does. */
export function physicalOf(segments: readonly ElfSegment[], virtualAddress: bigint): number | undefined {
  for (const segment of segments) {
    const offset = virtualAddress - segment.virtualAddress;
    if (offset >= 0n && offset < BigInt(segment.memoryBytes)) return segment.physicalAddress + Number(offset);
  }
  return undefined;
}

function checkIdentification(file: CheckedFile): void {
  file.need(0, ELF_HEADER_BYTES, 'the ELF header');
  const expect = (offset: number, value: number, expected: readonly number[], what: string): void => {
    if (!expected.includes(value)) file.fail(offset, `${what} is ${value}, not ${expected.join(' or ')}`);
  };
  if (!isElf(file.bytes)) file.fail(0, 'the file does not begin with the ELF magic bytes');
  expect(4, file.u8(4), [ELFCLASS64], 'the class (e_ident[EI_CLASS])');
  expect(5, file.u8(5), [ELFDATA2LSB], 'the byte order (e_ident[EI_DATA])');
  expect(6, file.u8(6), [EV_CURRENT], 'the version (e_ident[EI_VERSION])');
  expect(16, file.u16(16), [ET_EXEC, ET_DYN], 'the type (e_type)');
  expect(18, file.u16(18), [EM_RISCV], 'the machine (e_machine)');
  expect(20, file.u32(20), [EV_CURRENT], 'the version (e_version)');
}

function readSegments(file: CheckedFile): readonly ElfSegment[] {
  const count = file.u16(56);
  const table = file.table({ offsetAt: 32, count, entryBytes: file.u16(54), expectedBytes: PROGRAM_HEADER_BYTES });
  const segments: ElfSegment[] = [];
  for (let index = 0; index < count; index++) {
    const header = table + index * PROGRAM_HEADER_BYTES;
    if (file.u32(header) !== PT_LOAD) continue;
    const segment = readSegment(file, header);
    if (segment.memoryBytes > 0) segments.push(segment);
  }
  if (segments.length === 0) file.fail(56, 'the file has no segment to load (PT_LOAD)');
  segments.sort((a, b) => a.physicalAddress - b.physicalAddress);
  let end = 0;
  for (const segment of segments) {
    if (segment.physicalAddress < end) {
      file.fail(segment.fileOffset, `the segment at ${hex(segment.physicalAddress)} overlaps the one before it`);
    }
    end = segment.physicalAddress + segment.memoryBytes;
  }
  return segments;
}

function readSegment(file: CheckedFile, header: number): ElfSegment {
  const fileOffset = file.safe(header + 8, 'the file offset of a segment (p_offset)');
  const physicalAddress = file.safe(header + 24, 'the physical address of a segment (p_paddr)');
  const fileBytes = file.safe(header + 32, 'the file size of a segment (p_filesz)');
  const memoryBytes = file.safe(header + 40, 'the memory size of a segment (p_memsz)');
  if (memoryBytes < fileBytes) {
    file.fail(header + 40, `a segment takes ${memoryBytes} bytes of memory and ${fileBytes} of the file`);
  }
  if (!Number.isSafeInteger(physicalAddress + memoryBytes)) {
    file.fail(header + 24, `a segment at ${hex(physicalAddress)} of ${memoryBytes} bytes leaves the address space`);
  }
  if (fileBytes > 0) file.need(fileOffset, fileBytes, 'a segment');
  return { physicalAddress, virtualAddress: file.u64(header + 16), fileOffset, fileBytes, memoryBytes };
}

/** The first symbol table, as there may be one only (gABI chapter 4, "Sections"), and its string table. */
function readSymbols(file: CheckedFile): SymbolTable {
  const count = file.u16(60);
  if (count === 0 || file.u64(40) === 0n) return SymbolTable.empty;
  const table = file.table({ offsetAt: 40, count, entryBytes: file.u16(58), expectedBytes: SECTION_HEADER_BYTES });
  for (let index = 0; index < count; index++) {
    const header = table + index * SECTION_HEADER_BYTES;
    if (file.u32(header + 4) !== SHT_SYMTAB) continue;
    const link = file.u32(header + 40);
    if (link >= count) file.fail(header + 40, `a symbol table names section ${link} of ${count} (sh_link)`);
    const linked = table + link * SECTION_HEADER_BYTES;
    if (file.u32(linked + 4) !== SHT_STRTAB) file.fail(linked + 4, `section ${link} is not a string table (sh_type)`);
    const entryBytes = file.u64(header + 56);
    if (entryBytes !== BigInt(SYMBOL_BYTES)) file.fail(header + 56, `symbols of ${entryBytes} bytes (sh_entsize)`);
    return SymbolTable.read(file.section(header, 'the symbol table'), file.section(linked, 'the string table'));
  }
  return SymbolTable.empty;
}

interface TableFields {
  /** Offset of the header field that holds the table's offset. */
  readonly offsetAt: number;
  readonly count: number;
  readonly entryBytes: number;
  readonly expectedBytes: number;
}

/** The file's bytes, little-endian, and its errors. Reads outside the file are refused by `need` beforehand. */
class CheckedFile {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #name: string;

  constructor(bytes: Uint8Array, name: string) {
    this.bytes = bytes;
    this.#name = name;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  fail(offset: number, message: string): never {
    throw new ParatraceError('image.elf', message, { file: this.#name, offset });
  }

  /** @throws ParatraceError unless `[offset, offset + lengthBytes)` lies in the file. */
  need(offset: number, lengthBytes: number, what: string): void {
    const end = offset + lengthBytes;
    if (Number.isSafeInteger(end) && end <= this.bytes.length) return;
    this.fail(offset, `${what} (${lengthBytes} bytes) ends past the file's ${this.bytes.length} bytes`);
  }

  u8(offset: number): number {
    return this.#view.getUint8(offset);
  }

  u16(offset: number): number {
    return this.#view.getUint16(offset, true);
  }

  u32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  u64(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }

  /** A 64-bit field that has to be a safe integer to make any sense. */
  safe(offset: number, what: string): number {
    const value = this.u64(offset);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.fail(offset, `${what} is 0x${value.toString(16)}`);
    return Number(value);
  }

  /** Offset of a table of headers that lies in the file. */
  table({ offsetAt, count, entryBytes, expectedBytes }: TableFields): number {
    if (count === 0) return 0;
    if (entryBytes !== expectedBytes) this.fail(offsetAt, `headers of ${entryBytes} bytes instead of ${expectedBytes}`);
    const offset = this.safe(offsetAt, 'the offset of a header table');
    this.need(offset, count * entryBytes, 'a header table');
    return offset;
  }

  /** The bytes of a section by its header. */
  section(header: number, what: string): Uint8Array {
    const offset = this.safe(header + 24, `the offset of ${what} (sh_offset)`);
    const sizeBytes = this.safe(header + 32, `the size of ${what} (sh_size)`);
    this.need(offset, sizeBytes, what);
    return this.bytes.subarray(offset, offset + sizeBytes);
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
