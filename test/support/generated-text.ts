/** What the engine generates, as text with readable names and a comment before the code of each guest instruction. */
import { assert, must } from '../../src/assert.ts';
import { CORE_PROFILES } from '../../src/machine/core-profiles.ts';
import { generateEngine } from '../../src/machine/engine/engine.ts';
import { i32 } from '../../src/machine/engine/expr.ts';
import { handlerOf } from '../../src/machine/engine/handlers.ts';
import { HART, PAGE_BYTES, planMemory } from '../../src/machine/engine/layout.ts';
import { findBlocks, PageCode, type PlacedInsn } from '../../src/machine/engine/regions/control-flow.ts';
import {
  emitRegion,
  importServices,
  REGION_PARAMS,
  REGION_RESULTS,
  REGION_VARIANT,
} from '../../src/machine/engine/regions/region-emitter.ts';
import { type StructuredRegion, structure } from '../../src/machine/engine/regions/structure.ts';
import { type Fn, WasmModule } from '../../src/machine/engine/wasm-module.ts';
import { decode } from '../../src/machine/isa/decode.ts';
import { disassemble } from '../../src/machine/isa/disassemble.ts';
import type { MachineConfig } from '../../src/machine/machine-types.ts';
import { assemble } from './assembler.ts';
import { childrenOf, findAll, mapWat, pathTo, printWat, type Wat, watOf } from './wat.ts';

/** `lw a1, 8(a0)`. */
const LW = 0x0085_2583;

const CONFIG: MachineConfig = {
  hartCount: 1,
  memoryBytes: 128 << 20,
  core: must(CORE_PROFILES.rocket, 'profile'),
  misaligned: 'hardware',
  adUpdate: 'hardware',
  supervisorCallsStop: true,
  engine: 'translator',
};

/** Parameters and first locals of `run`, in the order in which they are made; what its dispatch stands in, from inside out. */
const RUN_PARAMS = ['hart', 'cycles', 'resume'];
const RUN_LOCALS = [
  ...['left', 'retired', 'entryCycle', 'entry', 'block', 'page', 'pc', 'reason'],
  ...['dataContext', 'dataTlb', 'fetchContext'],
];
const RUN_LABELS = ['next', 'budget', 'fault', 'fetch', 'exit'];
const REGION_PARAM_NAMES = ['hart', 'balance', 'page'];

type Names = ReadonlyMap<string, string>;

/**
 * The region of a program whose first instruction is the head, as a function.
 *
 * @param source assembly text for the first bytes of a page
 */
export function regionText(source: string, variant: keyof typeof REGION_VARIANT): string {
  const page = new DataView(new ArrayBuffer(PAGE_BYTES));
  for (const [offset, byte] of assemble(source, 0).bytes.entries()) page.setUint8(offset, byte);
  const region = structure(findBlocks(new PageCode(page), 0));
  const emit = (what: (fn: Fn) => StructuredRegion): Wat => {
    const plan = planMemory(CONFIG.memoryBytes);
    const module = new WasmModule();
    const services = importServices(module);
    const fn = module.fn('region', REGION_PARAMS, REGION_RESULTS);
    emitRegion({ module, config: CONFIG, plan, ...services }, fn, what(fn), REGION_VARIANT[variant]);
    return functionNamed(fn.name, watOf(module.encode(plan.wasmPages)));
  };
  const commented = marksAsComments(
    emit((fn) => withMarks(region, fn)),
    page,
  );
  const plain = mapped(commented, (node) => (isComment(node) ? undefined : node));
  assert(regionPrint(plain) === regionPrint(emit(() => region)), 'marks change nothing but themselves');
  return regionPrint(commented);
}

/** What `run` does for a 4-byte `lw`. */
export function lwHandlerText(): string {
  const run = functionNamed('run', watOf(generateEngine(CONFIG, planMemory(CONFIG.memoryBytes))));
  // The branch table stands in as many blocks as there are handlers; each handler follows its block, inside the next one.
  const [table, ...around] = pathTo(run, 'br_table').reverse();
  const entry = `$l${RUN_PARAMS.length + RUN_LOCALS.indexOf('entry')}`;
  const readsEntry = findAll(must(table, 'branch table'), 'local.get').some(([, local]) => local === entry);
  assert(readsEntry, 'locals are as named here');
  const handler = handlerOf(must(decode(LW), 'lw'), false);
  const [inside, outside] = [must(around[handler], 'its block'), must(around[handler + 1], 'next block')];
  const code = outside.slice(outside.indexOf(inside) + 1);
  const firstLoop = around.findIndex((node) => node[0] === 'loop');
  const names = new Map([
    ...RUN_PARAMS.map((name, index) => [`$p${index}`, `$${name}`] as const),
    ...RUN_LOCALS.map((name, index) => [`$l${RUN_PARAMS.length + index}`, `$${name}`] as const),
    ...RUN_LABELS.map((name, index) => [String(around[firstLoop + index]?.[1]), `$${name}`] as const),
  ]);
  const text = code.map((node) => printWat(mapped(withTemporaries(code, names)(node), readable))).join('');
  return `;; The interpreter's handler of lw.\n\n;; lw\n${text}`;
}

/** Each instruction begins with a mark of its offset: a local of its own that is set. */
function withMarks(region: StructuredRegion, fn: Fn): StructuredRegion {
  const mark = fn.local('i32');
  const marked = (placed: PlacedInsn): PlacedInsn => ({
    ...placed,
    insn: {
      ...placed.insn,
      semantics: (b) => {
        fn.set(mark, i32(placed.offset));
        placed.insn.semantics(b);
      },
    },
  });
  return { blocks: region.blocks.map((block) => ({ ...block, insns: block.insns.map(marked) })) };
}

function marksAsComments(region: Wat, page: DataView): Wat {
  const mark = `$l${REGION_PARAMS.length}`;
  return mapped(region, (node) => {
    if (typeof node === 'string' || node[1] !== mark) return node;
    const offset = Number(childrenOf(node[2], 'i32.const')?.[0]);
    return node[0] === 'local' ? undefined : `;; ${hex(offset)}: ${disassembled(page, offset)}`;
  });
}

function disassembled(page: DataView, offset: number): string {
  return disassemble(page.getInt32(offset, true), BigInt(offset));
}

/** The function with names: registers and fields of the hart by what is loaded into a local before anything else. */
function regionPrint(region: Wat): string {
  const names = new Map(REGION_PARAM_NAMES.map((name, index) => [`$p${index}`, `$${name}`]));
  const statements = childrenOf(region, 'func') ?? [];
  for (const node of statements) {
    const [local, value] = childrenOf(node, 'local.set') ?? [];
    const field = value === undefined ? undefined : fieldOf(value);
    if (field !== undefined) names.set(String(local), `$${field}`);
  }
  // The outermost block is left with nothing to store, each one inside it with a register more, which is stored behind that.
  let [around, label]: [readonly Wat[], string] = [statements, '$leave'];
  for (;;) {
    const inner = childrenOf(
      around.find((node) => childrenOf(node, 'block')),
      'block',
    );
    if (inner === undefined) break;
    names.set(String(inner[0]), label);
    const stored = inner.flatMap((node) => storedRegister(node) ?? [])[0];
    if (stored === undefined) break;
    names.set(stored.local, `$${stored.register}`);
    [around, label] = [inner, `$leave.${stored.register}`];
  }
  const pc = statements.find((node) => childrenOf(node, 'i64.store')?.[0] === `offset=${HART.pc}`);
  for (const exit of pc === undefined ? [] : wrapped(pc)) names.set(exit, '$exit');
  return printWat(mapped(withTemporaries([region], names)(region), readable));
}

/** The local in `extend(wrap(local))`, which is how an offset is taken out of the constant of a side exit. */
function wrapped(node: Wat): string[] {
  return findAll(node, 'i64.extend_i32_s').flatMap(([, value]) => {
    const name = childrenOf(childrenOf(value, 'i32.wrap_i64')?.[0], 'local.get')?.[0];
    return typeof name === 'string' ? [name] : [];
  });
}

/** Locals that `names` lacks are numbered as they come. */
function withTemporaries(code: readonly Wat[], names: Names): (node: Wat) => Wat {
  const all = new Map(names);
  for (const op of ['local.set', 'local.get', 'local.tee']) {
    for (const [, local] of findAll(code, op)) {
      if (!all.has(String(local))) all.set(String(local), `$t${all.size - names.size}`);
    }
  }
  return (tree) => mapped(tree, (node) => (typeof node === 'string' ? (all.get(node) ?? node) : node));
}

/** Numbers from here on are written in halves: what charges cycles is more. */
const PLAIN_MAX = 0x10_0000n;

/** Without alignment hints (all accesses have the smallest), types, unused locals and labels of `if`; large numbers in halves. */
function readable(node: Wat): Wat | undefined {
  if (typeof node === 'string') return node.startsWith('align=') ? undefined : node;
  if (node[0] === 'type' || (node[0] === 'local' && /^\$l\d+$/.test(String(node[1])))) return undefined;
  if (node[0] === 'if') return node.filter((child) => typeof child !== 'string' || !/^\$I\d+$/.test(child));
  if (node[0] !== 'i64.const') return node;
  const value = BigInt(String(node[1]));
  if (value > -PLAIN_MAX && value < PLAIN_MAX) return node;
  const digits = BigInt.asUintN(64, value).toString(16).padStart(16, '0');
  return ['i64.const', `0x${digits.slice(0, 8)}_${digits.slice(8)}`];
}

/** What of the hart an expression loads, if it is such a load. */
function fieldOf(value: Wat): string | undefined {
  const base = childrenOf(value.at(-1), 'local.get')?.[0];
  if (!/^i\d\d\.load/.test(String(value[0])) || base !== '$p0') return undefined;
  const at = Number(/^offset=(\d+)$/.exec(String(value[1]))?.[1] ?? 0);
  if (at < HART.pc) return `x${at / 8}`;
  return Object.entries(HART).find(([, place]) => place === at)?.[0];
}

/** The register that a statement stores into the hart, and the local that it is in; undefined for any other statement. */
function storedRegister(node: Wat): { readonly register: string; readonly local: string } | undefined {
  const parts = childrenOf(node, 'i64.store') ?? [];
  const offset = Number(/^offset=(\d+)$/.exec(String(parts[0]))?.[1] ?? HART.pc);
  const local = childrenOf(parts.at(-1), 'local.get')?.[0];
  if (offset >= HART.pc || childrenOf(parts.at(-2), 'local.get')?.[0] !== '$p0' || local === undefined)
    return undefined;
  return { register: `x${offset / 8}`, local: String(local) };
}

function functionNamed(name: string, module: Wat): Wat {
  return must(
    findAll(module, 'func').find((fn) => fn[1] === `$${name}`),
    name,
  );
}

const hex = (value: number): string => `0x${value.toString(16)}`;
const isComment = (node: Wat): boolean => typeof node === 'string' && node.startsWith(';;');

function mapped(node: Wat, map: (node: Wat) => Wat | undefined): Wat {
  return must(mapWat(node, map), 'tree');
}
