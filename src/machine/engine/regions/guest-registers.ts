/** The guest's registers in a region: each that it has to do with is a local, loaded at its entry; those it may write are stored at its end. */
import { must } from '../../../assert.ts';
import { FORMATS } from '../../isa/formats.ts';
import type { Expr, Local } from '../expr.ts';
import { i64, load64 } from '../expr.ts';
import { HART } from '../layout.ts';
import type { Fn } from '../wasm-module.ts';
import type { StructuredRegion } from './structure.ts';
import type { Word } from './words.ts';
import { WORD, withoutExtension, wordOf } from './words.ts';

/** Formats with a destination register. */
const WRITES_RD = Object.fromEntries(
  Object.entries(FORMATS).map(([name, { syntax }]) => [name, (syntax as readonly string[]).includes('rd')]),
);

/** What is known of all registers at a place. */
export type Known = readonly Word[];

export class GuestRegisters {
  readonly #fn: Fn;
  /** By number; those that the region has nothing to do with are not there. */
  readonly #locals: (Local | undefined)[] = new Array(32);
  readonly #written: number[] = [];
  /** By index of a local: of registers, and of what the present instruction has put down. */
  #words: Word[] = [];

  constructor(fn: Fn) {
    this.#fn = fn;
  }

  /** Makes the locals and loads them. */
  load(hart: Expr, { blocks }: StructuredRegion): void {
    let used = 0;
    let written = 0;
    for (const { insns } of blocks) {
      for (const { insn, operands } of insns) {
        if (WRITES_RD[insn.format]) written |= 1 << operands.rd;
        used |= (1 << operands.rs1) | (1 << operands.rs2);
      }
    }
    used |= written;
    for (let index = 1; index < 32; index++) {
      if (((used >>> index) & 1) === 0) continue;
      const local = this.#fn.local('i64');
      this.#fn.set(local, load64(hart, HART.regs + 8 * index));
      this.#locals[index] = local;
      if (((written >>> index) & 1) !== 0) this.#written.push(index);
    }
  }

  store(hart: Expr): void {
    for (const index of this.#written) this.#fn.store(64, hart, this.#local(index), HART.regs + 8 * index);
  }

  /** Value of a register now. */
  value(index: number): Expr {
    return index === 0 ? i64(0) : this.#local(index);
  }

  write(index: number, value: Expr): void {
    if (index === 0) return;
    const local = this.#local(index);
    const simple = withoutExtension(value, this.#word);
    const word = wordOf(simple, this.#word);
    this.#fn.set(local, simple);
    this.#words[local.index] = word;
  }

  /** A local that holds `value` to the end of the instruction. */
  let(value: Expr): Local {
    const local = this.#fn.let(value);
    this.#words[local.index] = value.type === 'i64' ? wordOf(value, this.#word) : WORD.unknown;
    return local;
  }

  /** What is known here, for a place to which nothing but the way from here leads; what is learnt on another way is not in it. */
  get known(): Known {
    return [...this.#words];
  }

  /** Goes on at another place. @param known of registers there; nothing where several ways meet */
  continueWith(known: Known = []): void {
    this.#words = [...known];
  }

  readonly #word = (local: number): Word => this.#words[local] ?? WORD.unknown;

  #local(index: number): Local {
    return must(this.#locals[index], 'register of a region');
  }
}
