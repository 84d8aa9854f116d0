/**
 * Reads a flattened device tree, for tests: written from the Devicetree Specification v0.4 chapter 5 and strict about it, so
 * that a mistake of the writer shows.
 */

export interface ReadNode {
  readonly name: string;
  readonly properties: ReadonlyMap<string, Uint8Array>;
  readonly children: readonly ReadNode[];
}

export interface ReadTree {
  readonly version: number;
  readonly lastCompatibleVersion: number;
  readonly bootHart: number;
  readonly root: ReadNode;
}

class Fdt {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #strings: number;
  at: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = this.field(2);
    this.#strings = this.field(3);
  }

  /** A header field by its index. */
  field(index: number): number {
    return this.#view.getUint32(4 * index);
  }

  u32(): number {
    if (this.at % 4 !== 0) throw new Error(`token at ${this.at} is not aligned`);
    this.at += 4;
    return this.#view.getUint32(this.at - 4);
  }

  take(lengthBytes: number): Uint8Array {
    const bytes = this.#bytes.slice(this.at, this.at + lengthBytes);
    this.at += lengthBytes;
    this.#pad();
    return bytes;
  }

  nodeName(): string {
    const name = this.#text(this.at);
    this.at += name.length + 1;
    this.#pad();
    return name;
  }

  propertyName(): string {
    return this.#text(this.#strings + this.u32());
  }

  #text(from: number): string {
    const end = this.#bytes.indexOf(0, from);
    if (end < 0) throw new Error(`text at ${from} does not end`);
    return new TextDecoder('utf-8', { fatal: true }).decode(this.#bytes.subarray(from, end));
  }

  #pad(): void {
    while (this.at % 4 !== 0) {
      if (this.#bytes[this.at] !== 0) throw new Error(`padding at ${this.at} is not zero`);
      this.at++;
    }
  }
}

/** @throws Error on anything that the specification does not allow. */
export function readDeviceTree(bytes: Uint8Array): ReadTree {
  const fdt = new Fdt(bytes);
  const [magic, total, structure, strings, reservations] = [0, 1, 2, 3, 4].map((index) => fdt.field(index));
  if (magic !== 0xd00dfeed) throw new Error(`magic ${magic}`);
  if (total !== bytes.length) throw new Error(`totalsize ${total} of ${bytes.length}`);
  if (reservations === undefined || reservations % 8 !== 0) throw new Error(`off_mem_rsvmap ${reservations}`);
  if (bytes.subarray(reservations, reservations + 16).some((byte) => byte !== 0)) throw new Error('a reservation');
  if (fdt.u32() !== 1) throw new Error('no root node');
  const root = readNode(fdt);
  if (fdt.u32() !== 9) throw new Error('no FDT_END');
  if (fdt.at !== Number(structure) + fdt.field(9)) throw new Error(`structure block ends at ${fdt.at}`);
  if (Number(strings) + fdt.field(8) !== bytes.length) throw new Error('strings block does not end the tree');
  return { version: fdt.field(5), lastCompatibleVersion: fdt.field(6), bootHart: fdt.field(7), root };
}

function readNode(fdt: Fdt): ReadNode {
  const name = fdt.nodeName();
  const properties = new Map<string, Uint8Array>();
  const children: ReadNode[] = [];
  for (;;) {
    const token = fdt.u32();
    if (token === 2) return { name, properties, children };
    if (token === 1) {
      children.push(readNode(fdt));
    } else if (token === 3) {
      const lengthBytes = fdt.u32();
      const property = fdt.propertyName();
      if (children.length > 0) throw new Error(`property ${property} of ${name} after a child`);
      if (properties.has(property)) throw new Error(`property ${property} of ${name} twice`);
      properties.set(property, fdt.take(lengthBytes));
    } else if (token !== 4) {
      throw new Error(`token ${token} in ${name}`);
    }
  }
}

/** All nodes by path, `/` first. */
export function nodesByPath(root: ReadNode): Map<string, ReadNode> {
  const nodes = new Map<string, ReadNode>();
  const visit = (node: ReadNode, path: string): void => {
    nodes.set(path === '' ? '/' : path, node);
    for (const child of node.children) visit(child, `${path}/${child.name}`);
  };
  visit(root, '');
  return nodes;
}

export function cells(bytes: Uint8Array | undefined): number[] {
  if (bytes === undefined) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(4 * index));
}

export function strings(bytes: Uint8Array | undefined): string[] {
  return new TextDecoder().decode(bytes).split('\0').slice(0, -1);
}
