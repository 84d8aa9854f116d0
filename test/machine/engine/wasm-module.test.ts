/** The encoder of WebAssembly: numbers, control flow and types, by running what it makes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../../src/assert.ts';
import { ByteSink } from '../../../src/machine/engine/byte-sink.ts';
import {
  add,
  call,
  cond,
  type Expr,
  eq,
  eqz,
  extendS,
  extendU,
  i32,
  i64,
  LOADS,
  type LoadWidth,
  load,
  ltU,
  mul,
  OPS,
  type OpName,
  rotr,
  select,
  sub,
  type ValType,
  wrap,
} from '../../../src/machine/engine/expr.ts';
import { type Fn, WasmModule } from '../../../src/machine/engine/wasm-module.ts';

type Exported = Readonly<Record<string, (...args: (number | bigint)[]) => number | bigint | undefined>>;

function build(define: (module: WasmModule) => void): { exports: Exported; memory: WebAssembly.Memory } {
  const module = new WasmModule();
  define(module);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const compiled = new WebAssembly.Module(module.encode(1));
  const instance = new WebAssembly.Instance(compiled, { env: { memory } });
  return { exports: instance.exports as unknown as Exported, memory };
}

/** A module with one function `f` that gives `result` of its parameters. */
function evaluator(params: readonly ValType[], result: (fn: Fn) => Expr) {
  const { exports, memory } = build((module) => {
    const probe = new WasmModule().fn('type', params);
    const fn = module.fn('f', params, [result(probe).type]);
    fn.return(result(fn));
    fn.unreachable();
    module.export(fn);
  });
  return { f: (...args: (number | bigint)[]) => exports.f?.(...args), memory };
}

describe('LEB128', () => {
  const decodeSigned = (bytes: Uint8Array): bigint => {
    let value = 0n;
    let shift = 0n;
    for (const byte of bytes) {
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if ((byte & 0x80) === 0) return (byte & 0x40) !== 0 ? value - (1n << shift) : value;
    }
    throw new Error('no last byte');
  };

  it('of signed numbers comes back, in the fewest bytes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const sink = new ByteSink();
        sink.s64(Number(BigInt.asIntN(32, value)), Number(value >> 32n));
        expect(decodeSigned(sink.bytes())).toBe(value);
        const bits = (value < 0n ? ~value : value).toString(2).length + (value === 0n || value === -1n ? 0 : 1);
        expect(sink.length).toBe(Math.max(1, Math.ceil(bits / 7)));
      }),
      { examples: [[0n], [-1n], [63n], [64n], [-64n], [-65n], [2n ** 63n - 1n], [-(2n ** 63n)]] },
    );
  });

  it('of unsigned numbers comes back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
        const sink = new ByteSink();
        sink.u32(value);
        const decoded = [...sink.bytes()].reduce((sum, byte, index) => sum + (byte & 0x7f) * 2 ** (7 * index), 0);
        expect(decoded).toBe(value);
      }),
      { examples: [[0], [127], [128], [2 ** 31], [2 ** 32 - 1]] },
    );
  });

  it('grows over any length', () => {
    const sink = new ByteSink();
    for (let index = 0; index < 1_000; index++) sink.raw(Uint8Array.of(index & 255, 1, 2));
    expect(sink.length).toBe(3_000);
    expect(sink.bytes()[2_997]).toBe(999 & 255);
  });
});

/** What WebAssembly's operators mean, on numbers as BigInt of `bits` bits. */
const MEANING: Readonly<Record<OpName, (bits: number, a: bigint, b: bigint) => bigint | undefined>> = {
  add: (_, a, b) => a + b,
  sub: (_, a, b) => a - b,
  mul: (_, a, b) => a * b,
  divS: (bits, a, b) => (b === 0n || (b === -1n && a === -(1n << BigInt(bits - 1))) ? undefined : a / b),
  divU: (bits, a, b) => (b === 0n ? undefined : BigInt.asUintN(bits, a) / BigInt.asUintN(bits, b)),
  remS: (_, a, b) => (b === 0n ? undefined : a % b),
  remU: (bits, a, b) => (b === 0n ? undefined : BigInt.asUintN(bits, a) % BigInt.asUintN(bits, b)),
  and: (_, a, b) => a & b,
  or: (_, a, b) => a | b,
  xor: (_, a, b) => a ^ b,
  shl: (bits, a, b) => a << (b & BigInt(bits - 1)),
  shrS: (bits, a, b) => a >> (b & BigInt(bits - 1)),
  shrU: (bits, a, b) => BigInt.asUintN(bits, a) >> (b & BigInt(bits - 1)),
  rotl: (bits, a, b) => rotate(bits, a, b & BigInt(bits - 1)),
  rotr: (bits, a, b) => rotate(bits, a, -b & BigInt(bits - 1)),
  eq: (_, a, b) => BigInt(a === b),
  ne: (_, a, b) => BigInt(a !== b),
  ltS: (_, a, b) => BigInt(a < b),
  ltU: (bits, a, b) => BigInt(BigInt.asUintN(bits, a) < BigInt.asUintN(bits, b)),
  gtS: (_, a, b) => BigInt(a > b),
  gtU: (bits, a, b) => BigInt(BigInt.asUintN(bits, a) > BigInt.asUintN(bits, b)),
  leS: (_, a, b) => BigInt(a <= b),
  leU: (bits, a, b) => BigInt(BigInt.asUintN(bits, a) <= BigInt.asUintN(bits, b)),
  geS: (_, a, b) => BigInt(a >= b),
  geU: (bits, a, b) => BigInt(BigInt.asUintN(bits, a) >= BigInt.asUintN(bits, b)),
  clz: (bits, a) => BigInt(bits - bitsOf(bits, a).replace(/^0+/, '').length),
  ctz: (bits, a) => BigInt(bits - bitsOf(bits, a).replace(/0+$/, '').length),
  popcnt: (bits, a) => BigInt(bitsOf(bits, a).replaceAll('0', '').length),
  sext8: (_, a) => BigInt.asIntN(8, a),
  sext16: (_, a) => BigInt.asIntN(16, a),
  sext32: (_, a) => BigInt.asIntN(32, a),
  eqz: (_, a) => BigInt(a === 0n),
  wrap: (_, a) => BigInt.asIntN(32, a),
  extendS: (_, a) => BigInt.asIntN(32, a),
  extendU: (_, a) => BigInt.asUintN(32, a),
};
const bitsOf = (bits: number, value: bigint) => BigInt.asUintN(bits, value).toString(2).padStart(bits, '0');
const rotate = (bits: number, value: bigint, by: bigint) => {
  const unsigned = BigInt.asUintN(bits, value);
  return (unsigned << by) | (unsigned >> (BigInt(bits) - by));
};

describe('operators', () => {
  const cases = (Object.keys(OPS) as OpName[]).flatMap((name) =>
    (['i32', 'i64'] as const).filter((type) => OPS[name][type] !== 0).map((type) => [name, type] as const),
  );

  it.each(cases)('%s of %s has its opcode', (name, type) => {
    const { arity, result } = OPS[name];
    const bits = type === 'i32' ? 32 : 64;
    const resultType = result === 'same' ? type : result;
    const apply = (fn: Fn): Expr => {
      const args = Array.from({ length: arity }, (_, index) => fn.param(index));
      return { kind: 'op', type: resultType, op: name, opcode: OPS[name][type], args };
    };
    const { f } = evaluator(
      Array.from({ length: arity }, () => type),
      apply,
    );
    const interesting = [
      0n,
      1n,
      -1n,
      5n,
      0x80n,
      0x8000n,
      31n,
      33n,
      1n << BigInt(bits - 1),
      (1n << BigInt(bits - 1)) - 1n,
    ];
    const value = fc.oneof(fc.constantFrom(...interesting), fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n }));
    const given = (each: bigint) => (type === 'i32' ? Number(BigInt.asIntN(32, each)) : BigInt.asIntN(64, each));
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [left, right] = [BigInt.asIntN(bits, a), BigInt.asIntN(bits, b)];
        const meant = MEANING[name](bits, left, right);
        const args = arity === 1 ? [given(a)] : [given(a), given(b)];
        if (meant === undefined) {
          expect(() => f(...args)).toThrow(WebAssembly.RuntimeError);
          return;
        }
        const expected = BigInt.asIntN(resultType === 'i32' ? 32 : 64, meant);
        expect(BigInt(f(...args) ?? 0)).toBe(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('of mixed or missing types are no operation', () => {
    expect(() => add(i32(1), i64(1))).toThrow(TypeError);
    expect(() => extendS(i64(1))).toThrow(TypeError);
    expect(() => wrap(i32(1))).toThrow(TypeError);
  });

  it('take constants of any size', () => {
    for (const value of [0n, -1n, 63n, 64n, -65n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n]) {
      expect(evaluator([], () => i64(value)).f()).toBe(BigInt.asIntN(64, value));
    }
    for (const value of [0, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 32 - 1]) {
      expect(evaluator([], () => i32(value)).f()).toBe(value | 0);
    }
  });
});

describe('memory', () => {
  it.each(Object.keys(LOADS) as LoadWidth[])('loads %s with its width and sign', (width) => {
    for (const type of ['i32', 'i64'] as const) {
      if (LOADS[width][type] === 0) continue;
      const { f, memory } = evaluator(['i32'], (fn) => load(type, width, fn.param(0), 3));
      new DataView(memory.buffer).setBigUint64(10, 0xf1e2_d3c4_b5a6_9788n, true);
      const bits = 8 << LOADS[width].log2;
      const raw = BigInt.asUintN(bits, 0xf1e2_d3c4_b5a6_9788n);
      const value = width.startsWith('s') ? BigInt.asIntN(bits, raw) : raw;
      expect(BigInt(f(7) ?? 0)).toBe(BigInt.asIntN(type === 'i32' ? 32 : 64, value));
    }
  });

  it('stores and fills what it is told to', () => {
    const { exports, memory } = build((module) => {
      const fn = module.fn('f', ['i32']);
      fn.fill(i32(0), i32(0xee), i32(64));
      fn.store(8, fn.param(0), i32(0x1234));
      fn.store(16, fn.param(0), i64(-2), 2);
      fn.store(32, fn.param(0), i64(0x1_2233_4455n), 4);
      fn.store(64, fn.param(0), i64(-1), 8);
      module.export(fn);
    });
    exports.f?.(16);
    const hex = Buffer.from(memory.buffer, 15, 18).toString('hex');
    expect(hex).toBe('ee34eefeff55443322ffffffffffffffffee');
    expect(new Uint8Array(memory.buffer)[64]).toBe(0);
  });
});

describe('functions', () => {
  it('branch out of blocks, loop, and choose by table', () => {
    const { exports } = build((module) => {
      const sum = module.fn('sum', ['i32'], ['i32']);
      const total = sum.let(i32(0));
      sum.block((end) => {
        sum.loop((again) => {
          sum.brIf(end, eqz(sum.param(0)));
          sum.set(total, add(total, sum.param(0)));
          sum.set(sum.param(0), sub(sum.param(0), i32(1)));
          sum.br(again);
        });
      });
      sum.return(total);
      sum.unreachable();
      module.export(sum);
      const table = module.fn('table', ['i32'], ['i32']);
      table.block((otherwise) => {
        table.block((one) => {
          table.block((zero) => table.brTable([zero, one], otherwise, table.param(0)));
          table.return(i32(100));
        });
        table.return(i32(101));
      });
      table.return(i32(102));
      table.unreachable();
      module.export(table);
      const both = module.fn('both', ['i32'], ['i32']);
      const result = both.let(i32(0));
      both.if(
        ltU(both.param(0), i32(10)),
        () => both.set(result, i32(1)),
        () => both.set(result, i32(2)),
      );
      both.return(
        add(mul(result, i32(10)), cond(eq(both.param(0), i32(3)), i32(5), select(both.param(0), i32(6), i32(7)))),
      );
      both.unreachable();
      module.export(both);
    });
    expect(exports.sum?.(100)).toBe(5050);
    expect([0, 1, 2, 9].map((index) => exports.table?.(index))).toEqual([100, 101, 102, 102]);
    expect([0, 3, 20].map((value) => exports.both?.(value))).toEqual([17, 15, 26]);
  });

  it('call each other, and reuse the locals of ended scopes', () => {
    const { exports } = build((module) => {
      const square = module.fn('square', ['i64'], ['i64']);
      square.return(mul(square.param(0), square.param(0)));
      square.unreachable();
      const fn = module.fn('f', ['i64'], ['i64']);
      const outer = fn.let(i64(0));
      const indexes: number[] = [];
      for (const term of [1n, 2n, 3n]) {
        fn.scope(() => {
          const local = fn.let(call(square, add(fn.param(0), i64(term))));
          indexes.push(local.index);
          fn.set(outer, add(outer, local));
        });
      }
      expect(new Set(indexes).size).toBe(1);
      fn.do(square, outer);
      fn.return(outer);
      fn.unreachable();
      module.export(fn);
    });
    expect(exports.f?.(10n)).toBe(121n + 144n + 169n);
  });

  it('refuse what would not validate', () => {
    const fn = new WasmModule().fn('f', ['i32']);
    const local = fn.local('i64');
    expect(() => fn.set(local, i32(1))).toThrow(AssertionError);
    expect(() => fn.store(64, i32(0), i32(1))).toThrow(AssertionError);
    expect(() => fn.let(call(fn, i64(1)))).toThrow(AssertionError);
    expect(() => fn.param(1)).toThrow(AssertionError);
  });

  it('keep their names, for profiles', () => {
    const module = new WasmModule();
    module.export(module.fn('someName', []));
    const compiled = new WebAssembly.Module(module.encode(1));
    expect(WebAssembly.Module.customSections(compiled, 'name').length).toBe(1);
    expect(WebAssembly.Module.exports(compiled)).toEqual([{ name: 'someName', kind: 'function' }]);
  });

  it('mix widths by extension and rotation', () => {
    const { f } = evaluator(['i32'], (fn) => rotr(extendU(fn.param(0)), i64(8)));
    expect(f(-1)).toBe(BigInt.asIntN(64, 0xff00_0000_00ff_ffffn));
  });
});

describe('a branch that is rarely taken', () => {
  const OPCODES = { if: 0x04, brIf: 0x0d } as const;

  it('is told of by its place in the body of its function', () => {
    const module = new WasmModule();
    module.fn('plain', ['i32']).unreachable();
    const fn = module.fn('f', ['i32'], ['i32']);
    const result = fn.let(i32(0));
    fn.block((end) => {
      fn.ifRarely(fn.param(0), () => fn.set(result, i32(1)));
      fn.brIf(end, eqz(fn.param(0)));
      fn.brIfRarely(end, eq(fn.param(0), i32(2)));
      fn.set(result, i32(3));
    });
    fn.return(result);
    fn.unreachable();
    module.export(fn);
    const compiled = new WebAssembly.Module(module.encode(1));
    const [section] = WebAssembly.Module.customSections(compiled, 'metadata.code.branch_hint');
    const [first = 0, second = 0] = fn.rareBranches();
    // One function, its index, two hints: place, one byte, not likely.
    expect([...new Uint8Array(section ?? new ArrayBuffer(0))]).toEqual([1, fn.index, 2, first, 1, 0, second, 1, 0]);
    const body = new ByteSink();
    fn.writeBody(body);
    // Offsets count from behind the length, which takes one byte.
    expect([first, second].map((at) => body.bytes()[1 + at])).toEqual([OPCODES.if, OPCODES.brIf]);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
    const f = exports.f as (value: number) => number;
    expect([0, 1, 2].map((value) => f(value))).toEqual([0, 3, 1]);
  });

  it('leaves no section behind where there is none', () => {
    const { exports } = build((module) => {
      const fn = module.fn('f', [], ['i32']);
      fn.return(i32(7));
      fn.unreachable();
      module.export(fn);
      const compiled = new WebAssembly.Module(module.encode(1));
      expect(WebAssembly.Module.customSections(compiled, 'metadata.code.branch_hint')).toEqual([]);
    });
    expect(exports.f?.()).toBe(7);
  });
});
