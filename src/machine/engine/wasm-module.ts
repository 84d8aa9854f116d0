/**
 * A WebAssembly module under construction: functions, imports, exports, encoded to bytes. Only what the engine uses:
 * one imported memory, i32 and i64 values, structured control flow.
 *
 * Statements are appended as they are called, expressions come as data (`expr.ts`). Section numbers and encodings are those
 * of the WebAssembly core specification, chapter 5.
 */
import { assert, must } from '../../assert.ts';
import { ByteSink } from './byte-sink.ts';
import type { Callable, Expr, Local, StoreBits, ValType } from './expr.ts';
import { LOADS, STORES } from './expr.ts';

const VALUE_TYPE = { i32: 0x7f, i64: 0x7e } as const;
const EMPTY_BLOCK = 0x40;

/** A branch target: how deep in the nesting it stands. */
export interface Label {
  readonly depth: number;
}

/** What most functions fit in. */
const CODE_BYTES = 2048;

/** One function under construction. */
export class Fn implements Callable {
  readonly name: string;
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  readonly index: number;
  readonly #code = new ByteSink(CODE_BYTES);
  readonly #locals: ValType[] = [];
  readonly #free: Record<ValType, Local[]> = { i32: [], i64: [] };
  readonly #scopes: Local[][] = [];
  /** Where in the code branches stand that are rarely taken. */
  readonly #rare: number[] = [];
  #depth = 0;

  constructor(name: string, index: number, params: readonly ValType[], results: readonly ValType[]) {
    this.name = name;
    this.index = index;
    this.params = params;
    this.results = results;
  }

  param(index: number): Local {
    return { kind: 'local', type: must(this.params[index], 'parameter of a function'), index };
  }

  /** A local; inside {@link scope} it is given back at the end of it. Holds garbage until set. */
  local(type: ValType): Local {
    const reused = this.#free[type].pop();
    const local = reused ?? { kind: 'local', type, index: this.params.length + this.#locals.push(type) - 1 };
    this.#scopes[this.#scopes.length - 1]?.push(local);
    return local;
  }

  /** Locals made inside `body` are reused after it, so that a function of many parts has few locals. */
  scope(body: () => void): void {
    this.#scopes.push([]);
    body();
    const made = must(this.#scopes.pop(), 'scope');
    for (let index = 0; index < made.length; index++) {
      const local = made[index] as Local;
      this.#free[local.type].push(local);
    }
  }

  /** Evaluates `value` now, once, and gives a local that holds it. */
  let(value: Expr): Local {
    const local = this.local(value.type);
    this.set(local, value);
    return local;
  }

  set(local: Local, value: Expr): void {
    assert(local.type === value.type, 'a local is set to a value of its type');
    this.#emit(value);
    this.#code.byte(0x21);
    this.#code.u32(local.index);
  }

  store(bits: StoreBits, address: Expr, value: Expr, offset = 0): void {
    const row = STORES[bits];
    const opcode = row[value.type];
    assert(opcode !== 0 && address.type === 'i32', 'a store of a type that it can have');
    this.#emit(address);
    this.#emit(value);
    this.#code.byte(opcode);
    this.#code.u32(0);
    this.#code.u32(offset);
  }

  /** `memory.fill`: `length` bytes at `address` with the low byte of `value`. */
  fill(address: Expr, value: Expr, length: Expr): void {
    for (const part of [address, value, length]) this.#emit(part);
    this.#code.raw([0xfc, 0x0b, 0x00]);
  }

  /** `call_indirect` through the module's table: the result of the function at `index`, whose type is that of `like`. */
  callIndirect(result: Local, like: Callable, index: Expr, ...args: Expr[]): void {
    for (const arg of [...args, index]) this.#emit(arg);
    this.#code.byte(0x11);
    // Types are numbered as functions are.
    this.#code.u32(like.index);
    this.#code.u32(0);
    this.#code.byte(0x21);
    this.#code.u32(result.index);
  }

  /** Calls for the effect; a result is dropped. */
  do(callee: Callable, ...args: Expr[]): void {
    this.#emit({ kind: 'call', type: 'i32', callee, args });
    if (callee.results.length > 0) this.#code.byte(0x1a);
  }

  if(test: Expr, then: () => void, otherwise?: () => void): void {
    this.#emit(test);
    this.#code.byte(0x04);
    this.#code.byte(EMPTY_BLOCK);
    this.#nest(then);
    if (otherwise) {
      this.#code.byte(0x05);
      this.#nest(otherwise);
    }
    this.#code.byte(0x0b);
  }

  /** As {@link if}, telling the compiler that `test` is rarely true: what `then` needs stays out of the way of the rest. */
  ifRarely(test: Expr, then: () => void, otherwise?: () => void): void {
    this.#emit(test);
    this.#rare.push(this.#code.length);
    this.#code.byte(0x04);
    this.#code.byte(EMPTY_BLOCK);
    this.#nest(then);
    if (otherwise) {
      this.#code.byte(0x05);
      this.#nest(otherwise);
    }
    this.#code.byte(0x0b);
  }

  /** A block: branching to its label leaves it. */
  block(body: (end: Label) => void): void {
    this.#code.byte(0x02);
    this.#code.byte(EMPTY_BLOCK);
    this.#nest(() => body({ depth: this.#depth }));
    this.#code.byte(0x0b);
  }

  /** A loop: branching to its label starts it again; running off its end leaves it. */
  loop(body: (again: Label) => void): void {
    this.#code.byte(0x03);
    this.#code.byte(EMPTY_BLOCK);
    this.#nest(() => body({ depth: this.#depth }));
    this.#code.byte(0x0b);
  }

  br(label: Label): void {
    this.#code.byte(0x0c);
    this.#code.u32(this.#depth - label.depth);
  }

  brIf(label: Label, test: Expr): void {
    this.#emit(test);
    this.#code.byte(0x0d);
    this.#code.u32(this.#depth - label.depth);
  }

  /** As {@link brIf}, telling the compiler that `test` is rarely true. */
  brIfRarely(label: Label, test: Expr): void {
    this.#emit(test);
    this.#rare.push(this.#code.length);
    this.#code.byte(0x0d);
    this.#code.u32(this.#depth - label.depth);
  }

  brTable(labels: readonly Label[], otherwise: Label, index: Expr): void {
    this.#emit(index);
    this.#code.byte(0x0e);
    this.#code.u32(labels.length);
    for (const label of [...labels, otherwise]) this.#code.u32(this.#depth - label.depth);
  }

  /**
   * One of `count` cases by `index`; another index takes the first. A case that does not leave runs on into the next.
   * Blocks close from the inside out: the code after the innermost is case 0.
   */
  switch(index: Expr, count: number, body: (which: number) => void): void {
    const labels: Label[] = [];
    const nest = (): void => {
      const depth = labels.length;
      if (depth === count) {
        const cases = labels.toReversed();
        this.brTable(cases, must(cases[0], 'a case'), index);
        return;
      }
      this.block((label) => {
        labels.push(label);
        nest();
      });
      this.scope(() => body(count - 1 - depth));
    };
    nest();
  }

  return(value?: Expr): void {
    if (value) this.#emit(value);
    this.#code.byte(0x0f);
  }

  unreachable(): void {
    this.#code.byte(0x00);
  }

  /** Adds locals and code as the code section holds them, with their length before them. */
  writeBody(sink: ByteSink): void {
    const declarations = this.#declarations();
    sink.u32(declarations.length + this.#code.length + 1);
    sink.append(declarations);
    sink.append(this.#code);
    sink.byte(0x0b);
  }

  /** Offsets in the body of branches that are rarely taken, ascending. */
  rareBranches(): readonly number[] {
    const before = this.#rare.length > 0 ? this.#declarations().length : 0;
    return this.#rare.map((at) => before + at);
  }

  #declarations(): ByteSink {
    const sink = new ByteSink(16);
    const runs: [ValType, number][] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last && last[0] === type) last[1]++;
      else runs.push([type, 1]);
    }
    sink.u32(runs.length);
    for (const [type, count] of runs) {
      sink.u32(count);
      sink.byte(VALUE_TYPE[type]);
    }
    return sink;
  }

  #nest(body: () => void): void {
    this.#depth++;
    body();
    this.#depth--;
  }

  #emit(expr: Expr): void {
    const code = this.#code;
    switch (expr.kind) {
      case 'const':
        code.byte(expr.type === 'i32' ? 0x41 : 0x42);
        code.s64(expr.low, expr.high);
        return;
      case 'local':
        code.byte(0x20);
        code.u32(expr.index);
        return;
      case 'op': {
        const { args } = expr;
        for (let index = 0; index < args.length; index++) this.#emit(args[index] as Expr);
        code.byte(expr.opcode);
        return;
      }
      case 'load': {
        this.#emit(expr.address);
        code.byte(LOADS[expr.width][expr.type]);
        code.u32(0);
        code.u32(expr.offset);
        return;
      }
      case 'call':
        assert(
          expr.args.length === expr.callee.params.length &&
            expr.args.every((arg, index) => arg.type === expr.callee.params[index]),
          'arguments of the types of a callee',
        );
        for (const arg of expr.args) this.#emit(arg);
        code.byte(0x10);
        code.u32(expr.callee.index);
        return;
      case 'cond':
        assert(expr.then.type === expr.otherwise.type, 'sides of cond of one type');
        this.#emit(expr.test);
        code.byte(0x04);
        code.byte(VALUE_TYPE[expr.type]);
        this.#emit(expr.then);
        code.byte(0x05);
        this.#emit(expr.otherwise);
        code.byte(0x0b);
        return;
      case 'select':
        for (let index = 0; index < 3; index++) this.#emit(expr.args[index] as Expr);
        code.byte(0x1b);
        return;
    }
  }
}

/** A module that imports `env.memory`, maybe functions too, and exports the functions it is told to. */
export class WasmModule {
  readonly #imports: Callable[] = [];
  readonly #functions: Fn[] = [];
  readonly #exports: Fn[] = [];
  #tableSize = 0;

  fn(name: string, params: readonly ValType[], results: readonly ValType[] = []): Fn {
    const fn = new Fn(name, this.#imports.length + this.#functions.length, params, results);
    this.#functions.push(fn);
    return fn;
  }

  /** A function of another module, imported as `env.name`. Imports come before all functions. */
  import(name: string, params: readonly ValType[], results: readonly ValType[] = []): Callable {
    assert(this.#functions.length === 0, 'imports come first');
    const imported: Callable = { name, index: this.#imports.length, params, results };
    this.#imports.push(imported);
    return imported;
  }

  export(fn: Fn): void {
    this.#exports.push(fn);
  }

  /** Gives the module a table of functions, exported as `table`. */
  table(size: number): void {
    this.#tableSize = size;
  }

  /** @param memoryPages size of the imported memory in 64 KiB pages: minimum and maximum alike. */
  encode(memoryPages: number): Uint8Array<ArrayBuffer> {
    const out = new ByteSink();
    out.raw([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    const section = (id: number, write: (sink: ByteSink) => void) => {
      const sink = new ByteSink(CODE_BYTES);
      write(sink);
      out.byte(id);
      out.u32(sink.length);
      out.append(sink);
    };
    section(1, (sink) => {
      const all = [...this.#imports, ...this.#functions];
      sink.u32(all.length);
      for (const fn of all) {
        sink.byte(0x60);
        for (const types of [fn.params, fn.results]) {
          sink.u32(types.length);
          for (const type of types) sink.byte(VALUE_TYPE[type]);
        }
      }
    });
    section(2, (sink) => {
      sink.u32(1 + this.#imports.length);
      for (const imported of this.#imports) {
        sink.name('env');
        sink.name(imported.name);
        sink.byte(0x00);
        sink.u32(imported.index);
      }
      sink.name('env');
      sink.name('memory');
      sink.raw([0x02, 0x01]);
      sink.u32(memoryPages);
      sink.u32(memoryPages);
    });
    section(3, (sink) => {
      sink.u32(this.#functions.length);
      for (const fn of this.#functions) sink.u32(fn.index);
    });
    if (this.#tableSize > 0) {
      section(4, (sink) => {
        sink.raw([0x01, 0x70, 0x01]);
        sink.u32(this.#tableSize);
        sink.u32(this.#tableSize);
      });
    }
    section(7, (sink) => {
      sink.u32(this.#exports.length + (this.#tableSize > 0 ? 1 : 0));
      if (this.#tableSize > 0) {
        sink.name('table');
        sink.raw([0x01, 0x00]);
      }
      for (const fn of this.#exports) {
        sink.name(fn.name);
        sink.byte(0x00);
        sink.u32(fn.index);
      }
    });
    this.#branchHints(section);
    section(10, (sink) => {
      sink.u32(this.#functions.length);
      for (const fn of this.#functions) fn.writeBody(sink);
    });
    this.#nameSection(section);
    return out.bytes();
  }

  /** Branch hinting proposal: a section that says which branches are rarely taken; an engine may ignore it. */
  #branchHints(section: (id: number, write: (sink: ByteSink) => void) => void): void {
    const hinted = this.#functions.flatMap((fn) => {
      const rare = fn.rareBranches();
      return rare.length > 0 ? [{ index: fn.index, rare }] : [];
    });
    if (hinted.length === 0) return;
    section(0, (sink) => {
      sink.name('metadata.code.branch_hint');
      sink.u32(hinted.length);
      for (const { index, rare } of hinted) {
        sink.u32(index);
        sink.u32(rare.length);
        for (const at of rare) {
          sink.u32(at);
          sink.raw([0x01, 0x00]);
        }
      }
    });
  }

  /** Function names, so that profiles and stack traces of the engine can be read. */
  #nameSection(section: (id: number, write: (sink: ByteSink) => void) => void): void {
    section(0, (sink) => {
      sink.name('name');
      const names = new ByteSink();
      names.u32(this.#functions.length);
      for (const fn of this.#functions) {
        names.u32(fn.index);
        names.name(fn.name);
      }
      sink.byte(0x01);
      sink.u32(names.length);
      sink.append(names);
    });
  }
}
