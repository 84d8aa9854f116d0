/**
 * Writes a device tree as plain data into the flattened format (Devicetree Specification v0.4, chapter 5): header of version
 * 17, an empty memory reservation block, structure block, strings block. The same tree gives the same bytes.
 */
import { assert, must } from '../../assert.ts';

/**
 * A property's value: `true` is a property without a value, numbers are 32-bit cells, a bigint is a 64-bit number in two
 * cells, strings are zero-terminated UTF-8 and several of them a string list, bytes are taken as they are.
 */
export type FdtValue = true | number | readonly number[] | bigint | string | readonly string[] | Uint8Array;

/** A node: its name with unit address, its properties and children in the order they are written. The root's name is empty. */
export interface FdtNode {
  readonly name: string;
  readonly properties: Readonly<Record<string, FdtValue>>;
  readonly children?: readonly FdtNode[];
}

const FDT_MAGIC = 0xd00dfeed;
const FDT_VERSION = 17;
const FDT_LAST_COMPATIBLE_VERSION = 16;
const HEADER_BYTES = 40;
/** One reservation entry of zeros ends the block (§5.3). */
const RESERVATION_BYTES = 16;

const FDT_BEGIN_NODE = 1;
const FDT_END_NODE = 2;
const FDT_PROP = 3;
const FDT_END = 9;

/**
 * Flattens a tree.
 * @param bootHart `boot_cpuid_phys`: the hart that starts the system.
 */
export function flattenDeviceTree(root: FdtNode, bootHart = 0): Uint8Array {
  const structure = new ByteWriter();
  const strings = new StringsBlock();
  writeNode(root, structure, strings);
  structure.u32(FDT_END);

  const structureOffset = HEADER_BYTES + RESERVATION_BYTES;
  const stringsOffset = structureOffset + structure.lengthBytes;
  const out = new ByteWriter();
  // §5.2: the fields of the header in their order.
  for (const field of [
    FDT_MAGIC,
    stringsOffset + strings.lengthBytes,
    structureOffset,
    stringsOffset,
    HEADER_BYTES,
    FDT_VERSION,
    FDT_LAST_COMPATIBLE_VERSION,
    bootHart,
    strings.lengthBytes,
    structure.lengthBytes,
  ]) {
    out.u32(field);
  }
  out.bytes(new Uint8Array(RESERVATION_BYTES));
  out.bytes(structure.toBytes());
  out.bytes(strings.toBytes());
  return out.toBytes();
}

function writeNode(node: FdtNode, structure: ByteWriter, strings: StringsBlock): void {
  structure.u32(FDT_BEGIN_NODE);
  structure.bytes(zeroTerminated(node.name));
  structure.align4();
  for (const [name, value] of Object.entries(node.properties)) {
    const bytes = encodeValue(value);
    structure.u32(FDT_PROP);
    structure.u32(bytes.length);
    structure.u32(strings.offsetOf(name));
    structure.bytes(bytes);
    structure.align4();
  }
  for (const child of node.children ?? []) writeNode(child, structure, strings);
  structure.u32(FDT_END_NODE);
}

function encodeValue(value: FdtValue): Uint8Array {
  if (value === true) return new Uint8Array(0);
  if (value instanceof Uint8Array) return value;
  const out = new ByteWriter();
  if (typeof value === 'bigint') {
    assert(value >= 0n && value < 1n << 64n, `device tree value ${value} is not 64 bits wide`);
    out.u32(Number(value >> 32n));
    out.u32(Number(value & 0xffff_ffffn));
    return out.toBytes();
  }
  for (const item of typeof value === 'object' ? value : [value]) {
    if (typeof item === 'number') out.u32(item);
    else out.bytes(zeroTerminated(item));
  }
  return out.toBytes();
}

function zeroTerminated(text: string): Uint8Array {
  assert(!text.includes('\0'), 'a device tree string contains a zero byte');
  return new TextEncoder().encode(`${text}\0`);
}

/** Property names, each once (§5.5). */
class StringsBlock {
  readonly #offsets = new Map<string, number>();
  readonly #bytes = new ByteWriter();

  get lengthBytes(): number {
    return this.#bytes.lengthBytes;
  }

  offsetOf(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const offset = this.#bytes.lengthBytes;
    this.#offsets.set(name, offset);
    this.#bytes.bytes(zeroTerminated(name));
    return offset;
  }

  toBytes(): Uint8Array {
    return this.#bytes.toBytes();
  }
}

/** Grows as it is written to; numbers are big-endian, as everything in a device tree (§5.2). */
class ByteWriter {
  readonly #parts: Uint8Array[] = [];
  #lengthBytes = 0;

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  bytes(part: Uint8Array): void {
    this.#parts.push(part);
    this.#lengthBytes += part.length;
  }

  u32(value: number): void {
    assert(Number.isInteger(value) && value >= 0 && value < 2 ** 32, `device tree cell ${value} is not 32 bits wide`);
    const part = new Uint8Array(4);
    new DataView(part.buffer).setUint32(0, value);
    this.bytes(part);
  }

  align4(): void {
    this.bytes(new Uint8Array(-this.#lengthBytes & 3));
  }

  toBytes(): Uint8Array {
    const out = new Uint8Array(this.#lengthBytes);
    let offset = 0;
    for (let index = 0; index < this.#parts.length; index++) {
      const part = must(this.#parts[index], 'part in range');
      out.set(part, offset);
      offset += part.length;
    }
    return out;
  }
}
