/**
 * Puts a guest image into RAM and says where it begins, and where the rest of what a guest is given goes.
 *
 * What an image is, is decided by its bytes: an ELF file, a Linux `Image` (by its header), or a plain binary. ELF segments go
 * to their physical addresses. A plain binary goes to the start of RAM for an M-mode guest and 2 MiB above for an S-mode one,
 * where firmware would leave it on this board; a Linux `Image` goes to the offset from the start of RAM that it asks for.
 *
 * Initrd and device tree are placed as QEMU's board places them ({@link placeBootData}).
 */
import { ParatraceError } from '../../errors.ts';
import type { GuestMemory } from '../bus.ts';
import { type ElfSegment, isElf, parseElf, physicalOf } from './elf.ts';
import { LOAD_ADDRESS } from './memory-map.ts';
import { SymbolTable } from './symbol-table.ts';

/** Guest physical addresses `[start, end)`. */
export interface LoadedRange {
  readonly start: number;
  readonly end: number;
}

export interface BootImage {
  /** Physical address of the first instruction. */
  readonly entryPc: bigint;
  /** Physical address of the `tohost` doubleword, if the guest has that symbol and it lies in RAM, 8-byte aligned. */
  readonly tohost: number | undefined;
  readonly symbols: SymbolTable;
  /** What the image takes of RAM by ascending address, with the memory it needs beyond its file (bss). */
  readonly loadedRanges: readonly LoadedRange[];
}

export interface BootPlacement {
  readonly initrd: LoadedRange | undefined;
  readonly deviceTree: LoadedRange;
}

const MIB = 2 ** 20;
/** Megapage of Sv39: kernels map their device tree and themselves in these. */
const MEGAPAGE_BYTES = 2 * MIB;
const PAGE_BYTES = 4096;
/** The device tree stays below 3 GiB, so that 32-bit guests and early mappings reach it. */
const DEVICE_TREE_CEILING = 3 * 2 ** 30;
/** Furthest that an initrd is put behind the kernel. */
const INITRD_DISTANCE_MAX = 128 * MIB;
const ZEROS = new Uint8Array(64 * 1024);

/** Most that a linker keeps below the text for the ELF headers: one page of the largest size in use. */
const ELF_HEADER_PAGE_BYTES = 64 * 1024;

/** Linux `Image` header (Documentation/arch/riscv/boot-image-header). */
const LINUX_HEADER_BYTES = 64;
const LINUX_MAGIC2 = 0x05435352;
const LINUX_MAGIC2_OFFSET = 56;

/**
 * Loads a guest image.
 * @param name of the file, for errors.
 * @param memory RAM; what the image does not cover is left as it is.
 * @param options.entry privilege that the guest starts in: decides where a plain binary goes.
 * @throws ParatraceError `image.elf`, `image.raw` or `image.too-large`.
 */
export function loadBootImage(
  bytes: Uint8Array,
  name: string,
  memory: GuestMemory,
  options: { readonly entry: 'm' | 's' },
): BootImage {
  return isElf(bytes) ? loadElf(bytes, name, memory) : loadRaw(bytes, name, memory, options.entry);
}

/**
 * Where initrd and device tree go. The device tree goes as high as it fits below the end of RAM or 3 GiB, whichever is lower, at
 * a multiple of 2 MiB; the initrd half of RAM or 128 MiB behind the kernel's load address, whichever is less. When RAM is too
 * small for that, both move together at the top of RAM, the device tree 8-byte and the initrd page aligned.
 * @throws ParatraceError `image.too-large` if they do not fit behind the image.
 */
export function placeBootData(
  memory: { readonly base: number; readonly sizeBytes: number },
  loadedRanges: readonly LoadedRange[],
  deviceTreeBytes: number,
  initrdBytes: number | undefined,
): BootPlacement {
  const image = {
    start: loadedRanges.reduce((least, range) => Math.min(least, range.start), Infinity),
    end: loadedRanges.reduce((most, range) => Math.max(most, range.end), memory.base),
  };
  const ramEnd = memory.base + memory.sizeBytes;
  const ceiling = memory.base < DEVICE_TREE_CEILING ? Math.min(ramEnd, DEVICE_TREE_CEILING) : ramEnd;
  const distance = Math.min(memory.sizeBytes / 2, INITRD_DISTANCE_MAX);
  for (const unit of [MEGAPAGE_BYTES, 8]) {
    const start = alignDown(ceiling - deviceTreeBytes, unit);
    if (start < image.end) continue;
    const deviceTree = { start, end: start + deviceTreeBytes };
    if (initrdBytes === undefined) return { initrd: undefined, deviceTree };
    const initrd = placeInitrd(image, alignDown(image.start + distance, PAGE_BYTES), start, initrdBytes);
    if (initrd !== undefined) return { initrd, deviceTree };
  }
  const what = initrdBytes === undefined ? '' : ` and an initrd of ${initrdBytes} bytes`;
  throw new ParatraceError(
    'image.too-large',
    `a device tree of ${deviceTreeBytes} bytes${what} do not fit between 0x${image.end.toString(16)} and 0x${ceiling.toString(16)}`,
  );
}

/** The initrd where it is wanted if it fits below the device tree, else as high as it fits. */
function placeInitrd(image: LoadedRange, wanted: number, below: number, sizeBytes: number): LoadedRange | undefined {
  const free = Math.max(wanted, alignUp(image.end, PAGE_BYTES));
  const start = free + sizeBytes <= below ? free : alignDown(below - sizeBytes, PAGE_BYTES);
  return start < image.end ? undefined : { start, end: start + sizeBytes };
}

function loadElf(bytes: Uint8Array, name: string, memory: GuestMemory): BootImage {
  const elf = parseElf(bytes, name);
  const segments = elf.segments.map((segment) => withoutHeadersBelowRam(segment, memory));
  const entry = physicalOf(segments, elf.entry);
  if (entry === undefined || entry % 2 !== 0) {
    const problem = entry === undefined ? 'lies in no segment to load' : 'is odd';
    throw new ParatraceError('image.elf', `the entry point 0x${elf.entry.toString(16)} ${problem}`, {
      file: name,
      offset: 24,
    });
  }
  for (const { physicalAddress, memoryBytes, fileOffset } of segments) {
    checkFits(physicalAddress, memoryBytes, name, memory, fileOffset);
  }
  for (const segment of segments) loadSegment(bytes, segment, memory);
  return {
    entryPc: BigInt(entry),
    tohost: tohostOf(elf.symbols, segments, memory),
    symbols: elf.symbols,
    loadedRanges: segments.map((s) => ({ start: s.physicalAddress, end: s.physicalAddress + s.memoryBytes })),
  };
}

/**
 * Without the part below RAM, if that holds the ELF headers only: a linker that is told to put the text at the start of RAM
 * (`-Ttext=0x80000000`) keeps the headers in the same segment, one page lower, where this board has nothing.
 */
function withoutHeadersBelowRam(segment: ElfSegment, memory: GuestMemory): ElfSegment {
  const below = memory.base - segment.physicalAddress;
  const holdsHeaders = segment.fileOffset === 0 && below <= Math.min(ELF_HEADER_PAGE_BYTES, segment.fileBytes);
  if (below <= 0 || !holdsHeaders) return segment;
  return {
    physicalAddress: memory.base,
    virtualAddress: segment.virtualAddress + BigInt(below),
    fileOffset: below,
    fileBytes: segment.fileBytes - below,
    memoryBytes: segment.memoryBytes - below,
  };
}

function loadSegment(bytes: Uint8Array, segment: ElfSegment, memory: GuestMemory): void {
  const { fileOffset, fileBytes, physicalAddress, memoryBytes } = segment;
  memory.writeBytes(physicalAddress, bytes.subarray(fileOffset, fileOffset + fileBytes));
  const end = physicalAddress + memoryBytes;
  for (let pa = physicalAddress + fileBytes; pa < end; pa += ZEROS.length) {
    memory.writeBytes(pa, ZEROS.subarray(0, Math.min(ZEROS.length, end - pa)));
  }
}

function tohostOf(symbols: SymbolTable, segments: readonly ElfSegment[], memory: GuestMemory): number | undefined {
  const linked = symbols.find('tohost');
  if (linked === undefined) return undefined;
  // A linker script may define it outside every segment; then the address is physical as it stands.
  const address = physicalOf(segments, linked) ?? Number(linked);
  return address % 8 === 0 && memory.contains(address, 8) ? address : undefined;
}

function loadRaw(bytes: Uint8Array, name: string, memory: GuestMemory, entry: 'm' | 's'): BootImage {
  if (bytes.length === 0) throw new ParatraceError('image.raw', 'the image is empty', { file: name, offset: 0 });
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    throw new ParatraceError('image.raw', 'the image is compressed with gzip', { file: name, offset: 0 });
  }
  const linux = linuxHeader(bytes, name);
  const start = linux === undefined ? LOAD_ADDRESS[entry] : memory.base + linux.textOffset;
  const sizeBytes = Math.max(bytes.length, linux?.imageBytes ?? 0);
  checkFits(start, sizeBytes, name, memory, 0);
  memory.writeBytes(start, bytes);
  return {
    entryPc: BigInt(start),
    tohost: undefined,
    symbols: SymbolTable.empty,
    loadedRanges: [{ start, end: start + sizeBytes }],
  };
}

/** What a Linux `Image` asks for; undefined for any other file. */
function linuxHeader(bytes: Uint8Array, name: string): { textOffset: number; imageBytes: number } | undefined {
  if (bytes.length < LINUX_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, LINUX_HEADER_BYTES);
  if (view.getUint32(LINUX_MAGIC2_OFFSET, true) !== LINUX_MAGIC2) return undefined;
  const textOffset = view.getBigUint64(8, true);
  const imageBytes = view.getBigUint64(16, true);
  const flags = view.getBigUint64(24, true);
  const fail = (offset: number, message: string): never => {
    throw new ParatraceError('image.raw', message, { file: name, offset });
  };
  // The kernel must lie at a multiple of 2 MiB on RV64 (Documentation/arch/riscv/boot, "Kernel location").
  if (textOffset % BigInt(MEGAPAGE_BYTES) !== 0n || textOffset > BigInt(Number.MAX_SAFE_INTEGER)) {
    fail(8, `the Linux Image asks for load offset 0x${textOffset.toString(16)}, not a multiple of 2 MiB`);
  }
  if (imageBytes > BigInt(Number.MAX_SAFE_INTEGER))
    fail(16, `the Linux Image asks for 0x${imageBytes.toString(16)} bytes`);
  if ((flags & 1n) !== 0n) fail(24, 'the Linux Image is big-endian');
  return { textOffset: Number(textOffset), imageBytes: Number(imageBytes) };
}

function checkFits(start: number, sizeBytes: number, name: string, memory: GuestMemory, offset: number): void {
  if (memory.contains(start, sizeBytes)) return;
  const [from, end] = [memory.base, memory.base + memory.sizeBytes].map((pa) => `0x${pa.toString(16)}`);
  throw new ParatraceError(
    'image.too-large',
    `${sizeBytes} bytes at 0x${start.toString(16)} do not lie in RAM from ${from} to ${end}`,
    { file: name, offset },
  );
}

function alignDown(value: number, unit: number): number {
  return Math.floor(value / unit) * unit;
}

function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
