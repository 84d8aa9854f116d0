/**
 * Statements as compilers make them of conditions and `int`s: arms in arms, arms that are empty, ways out of the middle of a loop, and 32-bit
 * values that are extended where it is needed and where it is not. What a translator knows of a register on one way, it must not believe on another.
 */
import type { Random } from '../oracle/differential/random.ts';

/** Whoever writes a program. */
export interface StatementWriter {
  readonly random: Random;
  line(text: string): void;
  /** A new label. */
  label(): string;
  /** A register that holds a value. */
  value(): string;
  /** Where to go on from the middle of loops and of a function. */
  readonly waysOut: readonly string[];
}

const BRANCHES = ['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'];
const WORD_OPS = ['addw', 'subw', 'mulw', 'sllw', 'srlw', 'sraw', 'divw', 'remuw'];
const LOADS = ['lw', 'lwu', 'lb', 'lbu', 'lh', 'lhu', 'ld', 'ld'];
const NESTED_MAX = 3;
const CASES_MAX = 4;

/** Instructions that make words, take words, or make something else of words. */
export function words(g: StatementWriter): void {
  for (let count = 1 + g.random.below(4); count > 0; count--) g.line(oneOfWords(g));
}

/** @param rd its result, in place of any @param a its operand, in place of any */
function oneOfWords({ random, value }: StatementWriter, rd = value(), a = value()): string {
  const b = value();
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
      return `addiw ${rd}, ${a}, 0`;
    case 3:
      return `addiw ${rd}, ${a}, ${random.below(4096) - 2048}`;
    case 4:
      return `${random.pick(WORD_OPS)} ${rd}, ${a}, ${random.chance(5) ? 'zero' : b}`;
    case 5:
      return `${random.pick(['slliw', 'srliw', 'sraiw'])} ${rd}, ${a}, ${random.pick([0, 1, 16, 31])}`;
    case 6:
      return `add.uw ${rd}, ${a}, zero`;
    case 7:
      return `${random.pick(['slli', 'srli', 'srai'])} ${rd}, ${a}, ${random.pick([1, 31, 32, 33])}`;
    case 8:
      return `${random.pick(['and', 'or', 'xor', 'add', 'sub', 'mul'])} ${rd}, ${a}, ${b}`;
    case 9:
      return `${random.pick(['andi', 'ori', 'xori', 'addi'])} ${rd}, ${a}, ${random.pick([-1, 0, 1, 255, 2047])}`;
    case 10:
      return `${random.pick(['slt', 'sltu'])} ${rd}, ${a}, ${b}`;
    default:
      return `${random.pick(LOADS)} ${rd}, ${8 * random.below(8)}(s0)`;
  }
}

/** Arms in arms, with and without an `else`. */
export function nested(g: StatementWriter, levels = NESTED_MAX): void {
  const otherwise = g.label();
  g.line(branchTo(g, otherwise));
  arm(g, levels - 1);
  if (g.random.chance(2)) {
    g.line(`${otherwise}:`);
    return;
  }
  const out = g.label();
  g.line(`j ${out}; ${otherwise}:`);
  arm(g, levels - 1);
  g.line(`${out}:`);
}

function arm(g: StatementWriter, levels: number): void {
  for (let count = g.random.below(4); count > 0; count--) {
    const kind = g.random.below(4);
    if (kind === 0 && levels > 0) nested(g, levels);
    else if (kind === 1 && g.random.chance(3)) leave(g);
    else g.line(oneOfWords(g));
  }
}

/** One value that two arms do different things with; it is wide before. */
export function split(g: StatementWriter): void {
  const [otherwise, out] = [g.label(), g.label()];
  const value = g.value();
  const armOf = () => {
    for (let count = 1 + g.random.below(3); count > 0; count--) {
      g.line(oneOfWords(g, g.random.chance(2) ? value : g.value(), value));
    }
  };
  g.line(`ld ${value}, ${8 * g.random.below(8)}(s0); ${branchTo(g, otherwise)}`);
  armOf();
  g.line(`j ${out}; ${otherwise}:`);
  armOf();
  g.line(`${out}:`);
}

/** Two conditions for one arm: `a && b`, `a || b`. */
export function both(g: StatementWriter): void {
  const [then, otherwise] = [g.label(), g.label()];
  g.line(branchTo(g, g.random.chance(2) ? then : otherwise));
  if (g.random.chance(2)) g.line(oneOfWords(g));
  g.line(branchTo(g, otherwise));
  g.line(`${then}:`);
  words(g);
  g.line(`${otherwise}:`);
}

/** Cases of a value, some of which fall through to the next. */
export function cases(g: StatementWriter): void {
  const { random } = g;
  const value = g.value();
  const labels = Array.from({ length: 2 + random.below(CASES_MAX - 1) }, () => g.label());
  const out = g.label();
  g.line(`andi t4, ${value}, ${random.pick([3, 7])}`);
  for (const [number, label] of labels.entries()) g.line(`addi t3, zero, ${number}; beq t4, t3, ${label}`);
  if (random.chance(2)) g.line(`j ${out}`);
  for (const label of labels) {
    g.line(`${label}:`);
    words(g);
    if (random.chance(2)) g.line(`j ${out}`);
  }
  g.line(`${out}:`);
}

/** Out of a loop, on to its next turn, or out of the function. */
export function leave(g: StatementWriter): void {
  if (g.waysOut.length > 0) g.line(branchTo(g, g.random.pick(g.waysOut)));
}

function branchTo(g: StatementWriter, label: string): string {
  return `${g.random.pick(BRANCHES)} ${g.value()}, ${g.random.chance(3) ? 'zero' : g.value()}, ${label}`;
}
