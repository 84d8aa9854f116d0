/**
 * A small two-pass assembler for tests, on the instruction table: every row by its operand syntax, labels, a few directives
 * (`.half`, `.word`, `.dword`, `.space`, `.align`, `.org`) and pseudo-instructions (`li`, `la`, `j`, `nop`, `ret`).
 * Compressed instructions are written as `.half`.
 */
import { must } from '../../src/assert.ts';
import { CSR_FAMILIES, CSR_NUMBERS } from '../../src/machine/csr-numbers.ts';
import { encodeInsn } from '../../src/machine/isa/encode.ts';
import { FORMATS, type Operands } from '../../src/machine/isa/formats.ts';
import { REGISTER_NAMES } from '../../src/machine/isa/registers.ts';
import { type Insn, insnNamed } from '../../src/machine/isa/table.ts';

export interface Program {
  readonly base: number;
  readonly bytes: Uint8Array;
  /** Address of a label. @throws RangeError if there is none */
  address(label: string): number;
}

type Symbols = ReadonlyMap<string, number>;

/** What one line comes to: its size, known in the first pass, and its bytes, known when all labels are. */
interface Piece {
  readonly at: number;
  readonly sizeBytes: number;
  readonly encode: (symbols: Symbols) => readonly number[];
}

const CSRS: Readonly<Record<string, number>> = { ...CSR_NUMBERS, ...CSR_FAMILIES };
const REGISTERS: ReadonlyMap<string, number> = new Map([
  ...REGISTER_NAMES.map((name, index): [string, number] => [name, index]),
  ...REGISTER_NAMES.map((_, index): [string, number] => [`x${index}`, index]),
]);

/** @throws RangeError with the line, if it cannot be assembled */
export function assemble(source: string, base = 0x8000_0000): Program {
  const symbols = new Map<string, number>();
  const pieces: Piece[] = [];
  let at = base;
  for (const line of source.split(/[\n;]/)) {
    let text = line.replace(/#.*/, '').trim();
    for (let match = /^([\w.]+):/.exec(text); match; match = /^([\w.]+):/.exec(text)) {
      symbols.set(match[1] ?? '', at);
      text = text.slice(match[0].length).trim();
    }
    if (text === '') continue;
    const piece = assembleLine(text, at);
    pieces.push(piece);
    at += piece.sizeBytes;
  }
  const bytes = new Uint8Array(at - base);
  for (const piece of pieces) bytes.set(piece.encode(symbols), piece.at - base);
  return {
    base,
    bytes,
    address: (label) => {
      const address = symbols.get(label);
      if (address === undefined) throw new RangeError(`no label ${label}`);
      return address;
    },
  };
}

function assembleLine(text: string, at: number): Piece {
  const space = text.search(/\s/);
  const name = space < 0 ? text : text.slice(0, space);
  const args =
    space < 0
      ? []
      : text
          .slice(space)
          .split(',')
          .map((arg) => arg.trim());
  const arg = (index: number) => must(args[index], `operand ${index} of "${text}"`);
  const fixed = (words: readonly number[], unit = 4): Piece => ({
    at,
    sizeBytes: words.length * unit,
    encode: () => words.flatMap((word) => littleEndian(BigInt(word), unit)),
  });
  switch (name) {
    case '.half':
      return fixed(args.map(Number), 2);
    case '.word':
      return fixed(args.map(Number));
    case '.dword':
      return { at, sizeBytes: 8 * args.length, encode: () => args.flatMap((value) => littleEndian(BigInt(value), 8)) };
    case '.space':
      return fixed(
        Array.from({ length: Number(arg(0)) }, () => 0),
        1,
      );
    case '.align':
      return fixed(
        Array.from({ length: -at & (Number(arg(0)) - 1) }, () => 0),
        1,
      );
    case '.org': {
      if (Number(arg(0)) < at) throw new RangeError(`"${text}" goes back from 0x${at.toString(16)}`);
      return fixed(
        Array.from({ length: Number(arg(0)) - at }, () => 0),
        1,
      );
    }
    case 'nop':
      return assembleLine('addi zero, zero, 0', at);
    case 'ret':
      return assembleLine('jalr zero, 0(ra)', at);
    case 'j':
      return assembleLine(`jal zero, ${arg(0)}`, at);
    case 'li':
      return fixed(loadImmediate(register(arg(0)), BigInt.asIntN(64, BigInt(arg(1)))));
    case 'la':
      return {
        at,
        sizeBytes: 8,
        encode: (symbols) => {
          const offset = numberOf(arg(1), symbols) - at;
          const low = (offset << 20) >> 20;
          const rd = register(arg(0));
          const words = [word('auipc', { rd, imm: (offset - low) | 0 }), word('addi', { rd, rs1: rd, imm: low })];
          return words.flatMap((each) => littleEndian(BigInt(each), 4));
        },
      };
  }
  const insn = insnNamed(name);
  if (!insn) throw new RangeError(`no instruction "${text}"`);
  return {
    at,
    sizeBytes: 4,
    encode: (symbols) => littleEndian(BigInt(encodeInsn(insn, operandsOf(insn, args, at, symbols))), 4),
  };
}

function operandsOf(insn: Insn, args: readonly string[], at: number, symbols: Symbols): Partial<Operands> {
  const operands: { -readonly [K in keyof Operands]?: Operands[K] } = {};
  for (const [index, part] of FORMATS[insn.format].syntax.entries()) {
    const text = args[index];
    if (text === undefined) {
      // Fences are often written bare.
      if (insn.format === 'Fence') break;
      throw new RangeError(`${insn.name} lacks operand ${index}`);
    }
    switch (part) {
      case 'rd':
      case 'rs1':
      case 'rs2':
        operands[part] = register(text);
        break;
      case 'imm':
        operands.imm = numberOf(text, symbols);
        break;
      case 'uimm5':
        operands.rs1 = numberOf(text, symbols);
        break;
      case 'upper':
        operands.imm = numberOf(text, symbols) << 12;
        break;
      case 'csr':
        operands.imm = CSRS[text] ?? numberOf(text, symbols);
        break;
      case 'target':
        operands.imm = numberOf(text, symbols) - at;
        break;
      case 'mem':
      case 'base': {
        const match = must(/^(-?\w*)\((\w+)\)$/.exec(text), `address "${text}"`);
        operands.rs1 = register(must(match[2], 'base'));
        if (match[1]) operands.imm = numberOf(match[1], symbols);
        break;
      }
    }
  }
  return operands;
}

function numberOf(text: string, symbols: Symbols): number {
  const value = symbols.get(text) ?? Number(text);
  if (Number.isNaN(value)) throw new RangeError(`no label or number "${text}"`);
  return value;
}

function register(name: string): number {
  const index = REGISTERS.get(name);
  if (index === undefined) throw new RangeError(`no register "${name}"`);
  return index;
}

function word(name: string, operands: Partial<Operands>): number {
  return encodeInsn(must(insnNamed(name), name), operands);
}

function loadImmediate(rd: number, value: bigint): number[] {
  if (value === BigInt.asIntN(12, value)) return [word('addi', { rd, imm: Number(value) })];
  const low = BigInt.asIntN(12, value);
  const add = (name: string) => (low === 0n ? [] : [word(name, { rd, rs1: rd, imm: Number(low) })]);
  if (value === BigInt.asIntN(32, value)) {
    return [word('lui', { rd, imm: Number(BigInt.asIntN(32, value - low)) }), ...add('addiw')];
  }
  return [...loadImmediate(rd, (value - low) >> 12n), word('slli', { rd, rs1: rd, imm: 12 }), ...add('addi')];
}

function littleEndian(value: bigint, sizeBytes: number): number[] {
  return Array.from({ length: sizeBytes }, (_, index) => Number((value >> BigInt(index * 8)) & 0xffn));
}
