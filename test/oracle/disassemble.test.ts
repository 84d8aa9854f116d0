/**
 * The decoder against GNU objdump: all compressed encodings, and random words near every pattern. Both must give the same
 * mnemonic and operands, or both must say that the encoding is illegal. Another seed: `PARATRACE_SEED=anything`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { must } from '../../src/assert.ts';
import { CSR_FAMILIES, CSR_NUMBERS, csrName } from '../../src/machine/csr-numbers.ts';
import { type Decoded, decode } from '../../src/machine/isa/decode.ts';
import { FORMATS } from '../../src/machine/isa/formats.ts';
import { COMPRESSED_INSNS, INSNS, insnNamed } from '../../src/machine/isa/table.ts';
import { createRandom } from './differential/random.ts';

const ARCH = 'rv64imac_zicsr_zifencei_zba_zbb_zbs';
const SEED = process.env.PARATRACE_SEED ?? 'paratrace';
const WORDS_PER_ROW = 2_000;
const WORDS_ANYWHERE = 100_000;

/** Where objdump says less or more than we do, and why that is right. */
const EXCEPTIONS: readonly { readonly why: string; readonly applies: (word: number, ours?: Decoded) => boolean }[] = [
  {
    why: 'reserved fields of fence and fence.i are ignored (Unprivileged ISA 2.7, 5.1); objdump wants most of them zero',
    applies: (word) => (word & 0x7f) === 0x0f,
  },
];

/** objdump's names of compressed encodings that are illegal by definition. */
const THEIRS_ONLY = new Set(['c.unimp']);

/** Encodings that objdump prints although they are reserved: `c.addi16sp` with an immediate of 0 (Unprivileged ISA 28.5). */
const RESERVED = new Set([0x6101]);

const CSRS: Readonly<Record<string, number>> = { ...CSR_NUMBERS, ...CSR_FAMILIES };

/** Text of each encoding, in order, as objdump prints it: `mnemonic operands`, empty where it knows no instruction. */
function objdump(words: readonly number[], sizeBytes: 2 | 4): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'paratrace-objdump-'));
  try {
    const path = (name: string) => join(folder, name);
    const bytes = Buffer.alloc(words.length * sizeBytes);
    for (const [index, word] of words.entries()) bytes.writeUIntLE(word >>> 0, index * sizeBytes, sizeBytes);
    writeFileSync(path('words.bin'), bytes);
    writeFileSync(path('empty.s'), `.attribute arch, "${ARCH}"\n.text\nnop\n`);
    tool('riscv64-unknown-elf-as', [path('empty.s'), '-o', path('empty.o')]);
    const update = `.text=${path('words.bin')}`;
    tool('riscv64-unknown-elf-objcopy', ['--update-section', update, path('empty.o'), path('words.o')]);
    const options = ['-d', '-z', '-M', 'no-aliases,numeric', path('words.o')];
    const lines = new Map<number, string>();
    for (const line of tool('riscv64-unknown-elf-objdump', options).split('\n')) {
      const match = /^\s*([0-9a-f]+):\t[0-9a-f ]+\t(.*)$/.exec(line);
      if (match) lines.set(Number.parseInt(must(match[1], 'address'), 16), must(match[2], 'text'));
    }
    return words.map((_, index) => {
      const text = must(lines.get(index * sizeBytes), `objdump of encoding ${index}`);
      return /^\.(2byte|4byte|insn|short|word)/.test(text) ? '' : text;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tool(command: string, args: readonly string[]): string {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 30 });
  if (result.status !== 0) throw new Error(`${command}: ${result.error?.message ?? result.stderr}`);
  return result.stdout;
}

/** objdump's text as mnemonic and numbers: registers by number, targets as they are, names of CSRs as their numbers. */
function theirForm(text: string): { name: string; operands: number[] } {
  const [name = '', rest = ''] = text
    .replace(/[<#].*/, '')
    .trim()
    .split(/\s+/, 2);
  const parts = rest.split(/[,()]/).filter((part) => part !== '');
  return { name: name.replace(/\.(aq|rl|aqrl)$/, ''), operands: parts.map(numberOf) };
}

function numberOf(part: string): number {
  const register = /^x(\d+)$/.exec(part);
  if (register) return Number(register[1]);
  const known = CSRS[part];
  if (known !== undefined) return known;
  return Number(/^[0-9a-f]{9,}$/.test(part) ? `0x${part}` : part);
}

/** The same of our decoding at address `at`; the address of a target as objdump prints it. */
function ourForm({ insn, operands }: Decoded): { name: string; operands: number[] } {
  const { rd, rs1, rs2, imm } = operands;
  const values = FORMATS[insn.format].syntax.flatMap((part) => {
    switch (part) {
      case 'rd':
        return [rd];
      case 'rs1':
      case 'base':
      case 'uimm5':
        return [rs1];
      case 'rs2':
        return insn.name.startsWith('lr.') ? [] : [rs2];
      case 'mem':
        return [imm, rs1];
      case 'upper':
        return [imm >>> 12];
      case 'target':
        return [imm];
      default:
        return [imm];
    }
  });
  return { name: insn.name, operands: values };
}

const hex = (word: number) => `0x${(word >>> 0).toString(16)}`;

describe('decoder against objdump', () => {
  it('agrees on every compressed encoding', () => {
    const halves = Array.from({ length: 0x1_0000 }, (_, half) => half).filter((half) => (half & 3) !== 3);
    const texts = objdump(halves, 2);
    const differences: string[] = [];
    const seen = new Set<string>();
    for (const [index, half] of halves.entries()) {
      const ours = decode(half);
      const text = must(texts[index], 'text');
      const theirs = theirForm(text);
      if (ours) seen.add(ours.compressed ?? '');
      if (text === '' || THEIRS_ONLY.has(theirs.name)) {
        if (ours) differences.push(`${hex(half)}: ours ${ours.compressed}, theirs none`);
      } else if (!ours) {
        if (RESERVED.has(half)) continue;
        differences.push(`${hex(half)}: ours none, theirs ${text}`);
      } else {
        const expected = compressedForm(ours, index * 2);
        const got = `${theirs.name} ${targets(text, theirs.operands)}`;
        if (got !== expected) differences.push(`${hex(half)}: ours ${expected}, theirs ${got}`);
      }
    }
    expect(differences.slice(0, 20).join('\n')).toBe('');
    expect([...seen].sort()).toEqual(COMPRESSED_INSNS.map(({ name }) => name).sort());
  });

  it('agrees on random words near every pattern, and anywhere', () => {
    console.log(`objdump test: seed "${SEED}"`);
    const random = createRandom(SEED);
    const words = randomWords((bound) => random.below(bound));
    const texts = objdump(words, 4);
    const differences: string[] = [];
    const agreed = new Map<string, number>();
    for (const [index, word] of words.entries()) {
      const ours = decode(word);
      if (EXCEPTIONS.some(({ applies }) => applies(word, ours))) continue;
      const text = must(texts[index], 'text');
      const theirs = theirForm(text);
      if (text === '' || !insnNamed(theirs.name)) {
        if (ours) differences.push(`${hex(word)}: ours ${ours.insn.name}, theirs ${text}`);
        continue;
      }
      const mine = ours && ourForm(ours);
      if (mine && hasTarget(ours)) mine.operands[mine.operands.length - 1] = index * 4 + ours.operands.imm;
      const operands = hasTarget(ours) ? targetsOf(text, theirs.operands) : withOurCsr(theirs.operands, ours);
      const got = `${theirs.name} ${operands.join(' ')}`;
      const expected = mine ? `${mine.name} ${mine.operands.join(' ')}` : 'none';
      if (got === expected) agreed.set(theirs.name, (agreed.get(theirs.name) ?? 0) + 1);
      else differences.push(`${hex(word)}: ours ${expected}, theirs ${text}`);
    }
    expect(differences.slice(0, 20).join('\n'), `seed "${SEED}", ${differences.length} differences`).toBe('');
    const untested = INSNS.filter(({ name }) => !agreed.has(name) && !name.startsWith('fence'));
    expect(untested.map(({ name }) => name)).toEqual([]);
  });
});

/** Each pattern with random operands, sometimes with fixed bits flipped; then words from anywhere. */
function randomWords(below: (bound: number) => number): number[] {
  const any = () => (below(0x1_0000) << 16) | below(0x1_0000);
  const near = INSNS.flatMap((insn) =>
    Array.from({ length: WORDS_PER_ROW }, (_, index) => {
      const flips = [0, 1, 2][index % 3] ?? 0;
      let word = (any() & ~insn.mask) | insn.match;
      for (let count = 0; count < flips; count++) word ^= 4 << below(30);
      return word;
    }),
  );
  const words = [...near, ...Array.from({ length: WORDS_ANYWHERE }, any)].map((word) => (word | 3) >>> 0);
  // objdump takes these for the beginning of something longer than 32 bits, which no extension of ours has.
  return words.filter((word) => (word & 0x1f) !== 0x1f);
}

const hasTarget = (decoded: Decoded | undefined): decoded is Decoded =>
  decoded !== undefined && FORMATS[decoded.insn.format].syntax.some((part) => part === 'target');

/** objdump names CSRs that the machine does not have: their number is taken from us, if we do not know it either. */
const withOurCsr = (operands: readonly number[], ours: Decoded | undefined) =>
  operands.map((value) =>
    Number.isNaN(value) && ours && csrName(ours.operands.imm) === undefined ? ours.operands.imm : value,
  );

/** objdump prints targets as bare hexadecimal addresses: the last operand, read again as such; negative ones wrap. */
function targetsOf(text: string, operands: readonly number[]): number[] {
  const last = must(/([0-9a-f]+)(?:\s*<.*)?$/.exec(text.trim())?.[1], 'target');
  return [...operands.slice(0, -1), Number(BigInt.asIntN(64, BigInt(`0x${last}`)))];
}

const targets = (text: string, operands: readonly number[]) =>
  (/^c\.(j|beqz|bnez)\b/.test(text) ? targetsOf(text, operands) : operands).join(' ');

/** Our decoding of a compressed instruction in the operands that its own mnemonic has. */
function compressedForm(decoded: Decoded, at: number): string {
  const { rd, rs1, rs2, imm } = decoded.operands;
  const name = must(decoded.compressed, 'compressed');
  const forms: Readonly<Record<string, readonly number[]>> = {
    'c.addi4spn': [rd, rs1, imm],
    'c.addi16sp': [rd, imm],
    'c.lui': [rd, imm >>> 12],
    'c.j': [at + imm],
    'c.jr': [rs1],
    'c.jalr': [rs1],
    'c.mv': [rd, rs2],
    'c.ebreak': [],
    'c.beqz': [rs1, at + imm],
    'c.bnez': [rs1, at + imm],
  };
  const store = /^c\.s[wd]/.test(name);
  const load = /^c\.l[wd]/.test(name);
  const byRegister = /^c\.(add|sub|xor|or|and|subw|addw)$/.test(name);
  const operands =
    forms[name] ?? (store ? [rs2, imm, rs1] : load ? [rd, imm, rs1] : byRegister ? [rd, rs2] : [rd, imm]);
  // Shifts by nothing are hints that objdump knows by the name they have in RV128.
  if (imm === 0 && /^c\.s(ll|rl|ra)i$/.test(name)) return `${name}64 ${rd}`;
  return `${name} ${operands.join(' ')}`;
}
