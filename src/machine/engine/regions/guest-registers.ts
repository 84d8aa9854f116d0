/** The guest's registers in a region: each that it has to do with is a local, loaded at its entry if it is wanted; those it may have written are stored at its end. */
import { assert, must } from '../../../assert.ts';
import type { Expr, Local } from '../expr.ts';
import { i64, load64 } from '../expr.ts';
import { HART } from '../layout.ts';
import type { Fn, Label } from '../wasm-module.ts';
import type { RegisterFlow, Written } from './register-flow.ts';
import { prefixOf, registerFlow } from './register-flow.ts';
import type { StructuredRegion } from './structure.ts';
import type { Word } from './words.ts';
import { WORD, withoutExtension, wordOf } from './words.ts';

/** What is known of all registers at a place. */
export interface Known {
  readonly words: readonly Word[];
  readonly written: Written;
}

const NO_WORDS: readonly Word[] = [];

export class GuestRegisters {
  readonly #fn: Fn;
  readonly #flow: RegisterFlow;
  /** By number; those that the region has nothing to do with are not there. */
  readonly #locals: (Local | undefined)[] = new Array(32);
  /** By how many of the registers in order are to be stored. */
  readonly #leave: Label[] = [];
  /** By index of a local: of registers, and of what the present instruction has put down. */
  #words: Word[] = [];
  #maybe = 0;
  #surely = 0;

  constructor(fn: Fn, region: StructuredRegion) {
    this.#fn = fn;
    this.#flow = registerFlow(region);
  }

  /** Makes the locals and loads what is wanted of them. */
  load(hart: Expr): void {
    const { loaded, prefixes } = this.#flow;
    const used = loaded | (prefixes.at(-1) ?? 0);
    for (let index = 1; index < 32; index++) {
      if (((used >>> index) & 1) === 0) continue;
      const local = this.#fn.local('i64');
      if (((loaded >>> index) & 1) !== 0) this.#fn.set(local, load64(hart, HART.regs + 8 * index));
      this.#locals[index] = local;
    }
  }

  /** Writes `body`, from where {@link leave} leads to the stores of what may have been written there, and behind them. */
  storeAfter(hart: Expr, body: () => void): void {
    const { order } = this.#flow;
    const nest = (count: number) => {
      this.#fn.block((leave) => {
        this.#leave[count] = leave;
        if (count === order.length) body();
        else nest(count + 1);
      });
      if (count === 0) return;
      const index = must(order[count - 1], 'register');
      this.#fn.store(64, hart, this.#local(index), HART.regs + 8 * index);
    };
    nest(0);
  }

  /** Where to leave to from here: registers that may have been written are stored there. */
  get leave(): Label {
    const count = prefixOf(this.#flow, this.#maybe);
    const stored = must(this.#flow.prefixes[count], 'prefix');
    assert(
      (stored & ~(this.#surely | this.#flow.loaded)) === 0,
      'registers that are stored have been written or loaded',
    );
    return must(this.#leave[count], 'label');
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
    this.#maybe |= 1 << index;
    this.#surely |= 1 << index;
  }

  /** A local that holds `value` to the end of the instruction. */
  let(value: Expr): Local {
    const local = this.#fn.let(value);
    this.#words[local.index] = value.type === 'i64' ? wordOf(value, this.#word) : WORD.unknown;
    return local;
  }

  /** What is known here, for a place to which nothing but the way from here leads. */
  get known(): Known {
    return { words: this.#words.slice(), written: { maybe: this.#maybe, surely: this.#surely } };
  }

  /** Goes on at another place, to which nothing but the way from where this was known leads. */
  continueWith({ words, written }: Known): void {
    this.#words = words.slice();
    this.#maybe = written.maybe;
    this.#surely = written.surely;
  }

  /** Several ways meet here: nothing is known of what registers hold. */
  forget(): void {
    this.#words = NO_WORDS.slice();
  }

  /** Goes on at the start of a block. */
  enter(block: number): void {
    const { maybe, surely } = must(this.#flow.written[block], 'block');
    this.#maybe = maybe;
    this.#surely = surely;
  }

  readonly #word = (local: number): Word => this.#words[local] ?? WORD.unknown;

  #local(index: number): Local {
    return must(this.#locals[index], 'register of a region');
  }
}
