/**
 * Random programs that go everywhere translated code could differ from interpreted code: loops, branches, calls within pages and across,
 * recursion, straddling and changing code, exceptions in the middle of loops, translation with few TLB entries, privilege
 * changes, CSR reads, atomics, devices. They end by themselves in the loop at `end`, which no region can hold, or are cut off; either way everything is
 * compared.
 *
 * Registers: ra, sp; s0 data; s1 to s3 and s10 loop counters; s11 turns of the main loop; s8 interrupts; s9 where to go on after a fetch that
 * faults; t3, t4 addresses; t5, t6 handlers; the rest hold values.
 */
import { must } from '../../src/assert.ts';
import type { Privilege } from '../../src/machine/machine-types.ts';
import { PRIVILEGE } from '../../src/machine/machine-types.ts';
import type { Random } from '../oracle/differential/random.ts';
import { assemble, type Program } from './assembler.ts';
import { both, cases, leave, nested, type StatementWriter, split, words } from './compiled-statements.ts';

export const GUEST = {
  memoryBytes: 1 << 20,
  code: 0x8000_0000,
  codePages: 8,
  machineHandler: 0x8000_8000,
  supervisorHandler: 0x8000_9000,
  /** Data, read-only data, and the stacks behind them. */
  data: 0x8001_0000,
  dataPages: 12,
  readOnlyPage: 7,
  stacks: 0x8001_c000,
  tables: 0x8002_0000,
  device: 0x1000_0000,
  /** Where data and code appear a second time under translation. */
  dataWindow: 0x4000_0000,
  dataWindowPages: 24,
  codeWindow: 0x5000_0000,
} as const;

const PAGE = 4096;
const PTE = { V: 1, R: 2, W: 4, X: 8, U: 16, A: 64, D: 128 } as const;
/** Interrupts for software, timer and external, of both modes. */
const ALL_INTERRUPTS = 0xaaan;

export interface GeneratedProgram {
  readonly source: string;
  readonly program: Program;
  readonly handlers: readonly Program[];
  readonly privilege: Privilege;
  readonly paged: boolean;
  /** CSRs before the start, in this order. */
  readonly csrs: Readonly<Record<string, bigint>>;
  /** Registers before the start, by number. */
  readonly registers: ReadonlyMap<number, bigint>;
  /** Addresses of instructions that may be replaced at any time by anything that computes. */
  readonly patches: readonly number[];
}

export function generateProgram(random: Random): GeneratedProgram {
  return new Generator(random).generate();
}

const VALUES = ['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 't0', 't1', 't2', 's4', 's5', 's6', 's7'] as const;
const COUNTERS = ['s1', 's2'] as const;

const REGISTER_OPS = [
  ...[
    'add',
    'sub',
    'sll',
    'slt',
    'sltu',
    'xor',
    'srl',
    'sra',
    'or',
    'and',
    'mul',
    'mulh',
    'mulhsu',
    'mulhu',
    'div',
    'divu',
    'rem',
    'remu',
  ],
  ...['addw', 'subw', 'sllw', 'srlw', 'sraw', 'mulw', 'divw', 'divuw', 'remw', 'remuw'],
  ...[
    'add.uw',
    'sh1add',
    'sh2add.uw',
    'andn',
    'orn',
    'xnor',
    'max',
    'minu',
    'rol',
    'ror',
    'rolw',
    'bext',
    'bset',
    'binv',
    'bclr',
  ],
];
const IMMEDIATE_OPS = ['addi', 'slti', 'sltiu', 'xori', 'ori', 'andi', 'addiw'];
const SHIFT_OPS = ['slli', 'srli', 'srai', 'rori', 'bexti', 'slli.uw'];
const WORD_SHIFT_OPS = ['slliw', 'srliw', 'sraiw'];
const ONE_SOURCE_OPS = ['clz', 'ctz', 'cpop', 'sext.b', 'sext.h', 'zext.h', 'rev8', 'orc.b', 'clzw', 'cpopw'];
const BRANCHES = ['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'];
const LOADS = ['lb', 'lbu', 'lh', 'lhu', 'lw', 'lwu', 'ld'];
const STORES = ['sb', 'sh', 'sw', 'sd'];
const ATOMICS = ['amoadd', 'amoswap', 'amoxor', 'amoand', 'amoor', 'amomin', 'amomax', 'amominu', 'amomaxu'];
const CSRS_READ = [
  'cycle',
  'time',
  'instret',
  'sstatus',
  'scause',
  'stval',
  'sepc',
  'mcycle',
  'minstret',
  'mip',
  'mhartid',
  'sip',
];
/** c.addi a0, -3; c.mv a1, a2; c.add a3, a4; c.slli a5, 3; c.ldsp a2, 8(sp); c.sdsp a0, 16(sp); c.nop; c.sub a0, a1; c.lw a4, 4(s0). */
const COMPRESSED = [0x1575, 0x85b2, 0x96ba, 0x078e, 0x6622, 0xe82a, 0x0001, 0x8d0d, 0x4058];
/** Faulting accesses: nothing there, misaligned atomics, a device from an atomic. */
const BAD_ADDRESSES = [0n, 0x1234_5678n, -8n, 0x7fff_ffffn, 0x8100_0000n, 0x4002_4000n, 1n << 50n];

type Statement = (generator: Generator, depth: number) => void;

class Generator implements StatementWriter {
  readonly random: Random;
  readonly privilege: Privilege;
  readonly paged: boolean;
  readonly #lines: string[] = [];
  readonly #patches: string[] = [];
  readonly #functions: number;
  /** Each program has its own taste, so that some are almost all of one kind. */
  readonly #tastes: readonly Statement[];
  /** Programs with few values use each again soon. */
  readonly #values: readonly string[];
  #favourite: string = VALUES[0];
  readonly waysOut: string[] = [];
  #labels = 0;
  #inFunction = false;

  constructor(random: Random) {
    this.random = random;
    this.privilege = random.pick([PRIVILEGE.M, PRIVILEGE.S, PRIVILEGE.S, PRIVILEGE.U]);
    this.paged = this.privilege !== PRIVILEGE.M ? random.below(3) > 0 : random.chance(4);
    this.#functions = 1 + random.below(4);
    this.#values = VALUES.slice(0, random.pick([3, 5, 8, VALUES.length]));
    // What leaves a region is rarer than what stays, or nothing would stay.
    this.#tastes = Object.entries(STATEMENTS).flatMap(([name, kind]) => {
      const weights = LEAVING.has(name) ? [0, 0, 0, 1, 1] : CARRYING.has(name) ? [1, 2, 4, 6, 8] : [0, 1, 2, 3, 4];
      return Array.from({ length: random.pick(weights) }, () => kind);
    });
  }

  generate(): GeneratedProgram {
    const { random } = this;
    this.line(`.space ${2 * random.below(PAGE / 2)}`);
    this.line(`start: li s11, ${20 + random.below(80)}; la s9, next`);
    this.line('main:');
    this.statements(3 + random.below(8), 0);
    this.line('next: addi s11, s11, -1; beq s11, zero, end; j main; end: fence.i; j end');
    for (let index = 0; index < this.#functions; index++) this.#function(index);
    const source = this.#lines.join('\n');
    const program = assemble(source, GUEST.code);
    if (program.bytes.length > GUEST.codePages * PAGE) throw new RangeError('the program is too long');
    return {
      source,
      program,
      handlers: [
        assemble(this.#handler('m'), GUEST.machineHandler),
        assemble(this.#handler('s'), GUEST.supervisorHandler),
      ],
      privilege: this.privilege,
      paged: this.paged,
      csrs: this.#csrs(),
      registers: this.#registers(),
      patches: this.#patches.map((label) => program.address(label)),
    };
  }

  line(text: string): void {
    this.#lines.push(text);
  }

  label(): string {
    return `L${this.#labels++}`;
  }

  /** A statement has to do with one value more than with others. */
  readonly value = (): string => (this.random.chance(2) ? this.#favourite : this.random.pick(this.#values));

  statements(count: number, depth: number): void {
    for (let index = 0; index < count; index++) {
      if (this.random.chance(6)) this.line(`.half ${this.random.pick(COMPRESSED)}`);
      this.#favourite = this.random.pick(this.#values);
      const kind = this.#tastes.length === 0 ? STATEMENTS.compute : this.random.pick(this.#tastes);
      must(kind, 'statement')(this, depth);
    }
  }

  patch(label: string): void {
    this.#patches.push(label);
  }

  call(): string | undefined {
    return this.#inFunction ? undefined : `f${this.random.below(this.#functions)}`;
  }

  /** Puts an address of data into t3; it is in reach for offsets from 0 to 63. */
  dataAddress(): void {
    const { random } = this;
    // Three pages are enough to miss a small TLB; their last bytes make accesses that cross.
    const mask = random.pick([0xff8, 0x3ff8, 0xbff8, 0x7f8]);
    this.line(`li t3, ${mask}; and t3, t3, ${this.value()}; add t3, t3, s0`);
  }

  #function(index: number): void {
    const { random } = this;
    if (random.chance(2)) this.line(`.align ${random.pick([4, 64, 1024, PAGE])}`);
    if (random.chance(3)) this.line('.half 1');
    this.#inFunction = true;
    const end = this.label();
    this.waysOut.push(end);
    this.line(`f${index}: addi sp, sp, -32; sd ra, 0(sp); sd s10, 8(sp); sd s2, 16(sp)`);
    this.statements(1 + random.below(5), 1);
    if (random.chance(3)) {
      const out = this.label();
      // Recursion, as deep as the argument says.
      this.line(`andi s10, s10, 7; beq s10, zero, ${out}; addi s10, s10, -1; jal ra, f${index}; nop; ${out}:`);
    }
    this.waysOut.pop();
    this.line(`${end}: ld ra, 0(sp); ld s10, 8(sp); ld s2, 16(sp); addi sp, sp, 32`);
    // Some return past the instruction after the call, if a value says so.
    if (random.chance(3)) this.line(`andi t4, ${this.value()}, 1; sh2add ra, t4, ra`);
    this.line('jalr zero, 0(ra)');
    this.#inFunction = false;
  }

  /** Steps over what trapped; counts interrupts; changes the privilege that it returns to at some calls. */
  #handler(mode: 'm' | 's'): string {
    const previous = mode === 'm' ? 0x800 : 0x100;
    const toggles = !this.paged && this.random.chance(2);
    const toggle = `li t5, ${previous}; csrrs t6, ${mode}status, zero; xor t5, t5, t6; csrrw zero, ${mode}status, t5`;
    return `
      csrrs t6, ${mode}cause, zero; blt t6, zero, irq
      li t5, 1; beq t6, t5, fetch; li t5, 12; beq t6, t5, fetch; li t5, 0; beq t6, t5, fetch
      csrrs t5, ${mode}epc, zero; addi t5, t5, 4; csrrw zero, ${mode}epc, t5
      li t5, 8; beq t6, t5, call; li t5, 9; beq t6, t5, call; ${mode}ret
      call: ${toggles ? toggle : 'nop'}; ${mode}ret
      fetch: csrrw zero, ${mode}epc, s9; ${mode}ret
      irq: addi s8, s8, 1; ${mode}ret`;
  }

  #csrs(): Record<string, bigint> {
    const { random } = this;
    const everything = (1n << 54n) - 1n;
    return {
      pmpaddr0: everything,
      pmpcfg0: 0x1fn,
      mtvec: BigInt(GUEST.machineHandler),
      stvec: BigInt(GUEST.supervisorHandler),
      mcounteren: BigInt(random.pick([7, 7, 0])),
      scounteren: BigInt(random.pick([7, 7, 0])),
      menvcfg: BigInt.asUintN(64, (BigInt(random.below(2)) << 63n) | (BigInt(random.below(2)) << 61n)),
      medeleg: BigInt(random.pick([0, 0xb1ff, 0xb1ff, random.below(0x10000)])),
      mideleg: BigInt(random.pick([0, 0x222])),
      mie: random.chance(3) ? 0n : ALL_INTERRUPTS,
      mstatus: BigInt(random.pick([0x0a, 0x8a, 0]) | random.pick([0, 1 << 18, 1 << 19])),
      satp: this.paged ? (8n << 60n) | BigInt(GUEST.tables / PAGE) : 0n,
    };
  }

  #registers(): ReadonlyMap<number, bigint> {
    const values = new Map<number, bigint>();
    for (let index = 1; index < 32; index++) values.set(index, this.random.operand());
    const isWindow = this.paged && this.privilege !== PRIVILEGE.M;
    const data = isWindow && !this.random.chance(4) ? GUEST.dataWindow : GUEST.data;
    values.set(2, BigInt(GUEST.stacks)).set(8, BigInt(data)).set(24, 0n).set(9, 3n).set(18, 3n).set(19, 3n);
    return values;
  }
}

const STATEMENTS = {
  compute: (g) => {
    for (let count = 1 + g.random.below(5); count > 0; count--) {
      const [rd, a, b] = [g.value(), g.value(), g.value()];
      const forms = [
        () => `${g.random.pick(REGISTER_OPS)} ${rd}, ${a}, ${b}`,
        () => `${g.random.pick(REGISTER_OPS)} ${rd}, ${a}, ${b}`,
        () => `${g.random.pick(IMMEDIATE_OPS)} ${rd}, ${a}, ${g.random.below(4096) - 2048}`,
        () => `${g.random.pick(SHIFT_OPS)} ${rd}, ${a}, ${g.random.below(64)}`,
        () => `${g.random.pick(WORD_SHIFT_OPS)} ${rd}, ${a}, ${g.random.below(32)}`,
        () => `${g.random.pick(ONE_SOURCE_OPS)} ${rd}, ${a}`,
        () => `lui ${rd}, ${g.random.below(1 << 20)}`,
        () => `auipc ${rd}, ${g.random.below(1 << 20)}`,
      ];
      g.line(g.random.pick(forms)());
    }
  },
  memory: (g) => {
    g.dataAddress();
    for (let count = 1 + g.random.below(4); count > 0; count--) {
      const offset = g.random.chance(3) ? g.random.below(64) : 8 * g.random.below(8);
      const op = g.random.pick(g.random.chance(2) ? LOADS : STORES);
      g.line(`${op} ${g.value()}, ${offset}(t3)`);
    }
  },
  loop: (g, depth) => {
    const counter = COUNTERS[depth];
    if (counter === undefined) return;
    const top = g.label();
    const [next, out] = [g.label(), g.label()];
    g.line(`li ${counter}, ${2 + g.random.below(12)}; ${top}:`);
    g.waysOut.push(next, out);
    g.statements(1 + g.random.below(4), depth + 1);
    g.waysOut.length -= 2;
    g.line(`${next}: addi ${counter}, ${counter}, -1; bge zero, ${counter}, ${out}; j ${top}; ${out}:`);
  },
  tightLoop: (g) => {
    // A counter of its own: it may stand in any loop.
    const top = g.label();
    const [a, b] = [g.value(), g.value()];
    g.line(`li s3, ${5 + g.random.below(40)}; ${top}: add ${a}, ${a}, ${b}; xor ${b}, ${b}, s3; addi s3, s3, -1`);
    g.line(g.random.pick([`bne s3, zero, ${top}`, `blt zero, s3, ${top}`, `bltu zero, s3, ${top}`]));
  },
  branch: (g) => {
    const [otherwise, out] = [g.label(), g.label()];
    g.line(`${g.random.pick(BRANCHES)} ${g.value()}, ${g.random.chance(4) ? 'zero' : g.value()}, ${otherwise}`);
    STATEMENTS.compute(g);
    if (g.random.chance(2)) STATEMENTS.memory(g);
    g.line(`j ${out}; ${otherwise}:`);
    STATEMENTS.compute(g);
    g.line(`${out}:`);
  },
  words: (g) => words(g),
  nested: (g) => nested(g),
  split: (g) => split(g),
  both: (g) => both(g),
  cases: (g) => cases(g),
  leave: (g) => leave(g),
  call: (g) => {
    const name = g.call();
    if (name === undefined) return;
    if (g.random.below(3) > 0) g.line(`jal ra, ${name}`);
    else g.line(`la t3, ${name}; jalr ra, 0(t3)`);
    const counted = g.value();
    g.line(`addi ${counted}, ${counted}, 1`);
  },
  indirect: (g) => {
    const [one, two, out] = [g.label(), g.label(), g.label()];
    const choose = g.label();
    g.line(
      `la t3, ${one}; andi t4, ${g.value()}, 1; beq t4, zero, ${choose}; la t3, ${two}; ${choose}: jalr t4, 0(t3)`,
    );
    g.line(`${one}:`);
    STATEMENTS.compute(g);
    g.line(`j ${out}; ${two}:`);
    STATEMENTS.compute(g);
    g.line(`${out}:`);
  },
  /** Into the middle of a loop: a cycle with two entries. */
  irreducible: (g) => {
    const [top, middle] = [g.label(), g.label()];
    g.line(`li s3, ${3 + g.random.below(9)}; beq ${g.value()}, ${g.value()}, ${middle}; ${top}: addi a0, a0, 1`);
    g.line(`${middle}: addi s3, s3, -1; xor a1, a1, s3; blt zero, s3, ${top}`);
  },
  csr: (g) => {
    const csr = g.random.pick(CSRS_READ);
    const form = g.random.below(4);
    if (form === 0) g.line(`csrrw ${g.value()}, ${g.random.pick(['mscratch', 'sscratch'])}, ${g.value()}`);
    else if (form === 1) g.line(`csrrsi ${g.value()}, ${g.random.pick(['sscratch', 'sstatus'])}, 2`);
    else g.line(`csrrs ${g.value()}, ${csr}, zero`);
  },
  atomic: (g) => {
    g.dataAddress();
    const bits = g.random.pick(['w', 'd']);
    if (g.random.chance(6)) g.line(`addi t3, t3, ${g.random.pick([2, 4, 1])}`);
    const name = g.random.chance(5) ? 'sc' : g.random.pick(ATOMICS);
    g.line(`${name}.${bits} ${g.value()}, ${g.value()}, (t3)`);
  },
  /** All harts at one place. */
  contended: (g) => {
    const again = g.label();
    const [bits, add] = [g.random.pick(['w', 'd']), 1 + g.random.below(9)];
    g.line(`li s3, 20; ${again}: addi s3, s3, -1; lr.${bits} t4, zero, (s0); addi t4, t4, ${add}`);
    if (g.random.chance(4)) g.line(`sd t4, ${g.random.pick([0, 64])}(s0)`);
    if (g.random.chance(4)) g.line(`addi t3, s0, 8; sc.${bits} a0, t4, (t3)`);
    g.line(`sc.${bits} t3, t4, (s0); slt t4, zero, s3; and t3, t3, t4; bne t3, zero, ${again}`);
  },
  /** An instruction that the same loop changes each time round. */
  selfModify: (g) => {
    const [label, target] = [g.label(), g.value()];
    const [one, two] = [g.random.below(2000), g.random.below(2000)];
    const word = (text: string) => new DataView(assemble(text).bytes.buffer).getUint32(0, true);
    const change = word(`addi ${target}, ${target}, ${one}`) ^ word(`xori ${target}, ${target}, ${two}`);
    g.patch(label);
    const patched = `${label}: addi ${target}, ${target}, ${one}`;
    const isBefore = g.random.chance(2);
    if (isBefore) g.line(patched);
    const every = g.label();
    // Not each time, so that the code gets hot in between.
    g.line(`andi t4, s11, ${g.random.pick([0, 3, 7, 15])}; bne t4, zero, ${every}`);
    g.line(`la t3, ${label}`);
    if (g.paged && g.privilege !== PRIVILEGE.M && g.random.chance(2)) {
      g.line(`li t4, ${GUEST.code - GUEST.codeWindow}; sub t3, t3, t4`);
    }
    g.line(`lwu t4, 0(t3); li a0, ${change >>> 0}; xor t4, t4, a0; sw t4, 0(t3)`);
    if (g.random.chance(2)) g.line('fence.i');
    g.line(`${every}:`);
    if (!isBefore) g.line(patched);
  },
  trap: (g) => {
    const forms = [
      () => '.word 0',
      () => 'ecall',
      () => 'ebreak',
      () => 'csrrs a0, mstatus, zero',
      () => `li t3, ${g.random.pick(BAD_ADDRESSES)}; ${g.random.pick(LOADS)} ${g.value()}, 0(t3)`,
      () => `li t3, ${g.random.pick(BAD_ADDRESSES)}; ${g.random.pick(STORES)} ${g.value()}, 0(t3)`,
      () => `li t3, ${GUEST.readOnlyPage * PAGE + 8}; add t3, t3, s0; sd a0, 0(t3)`,
      () => `addi t3, s0, ${g.random.pick([1, 2, 4])}; amoadd.d a0, a1, (t3)`,
      () => `addi t3, s0, 4093; ${g.random.pick(['lw', 'ld', 'sd', 'lh'])} a0, 0(t3)`,
      () => 'mret',
      () => 'sret',
    ];
    // Returns from traps that were not taken go to where the last one went; only if that is known.
    g.line(g.random.pick(forms.slice(0, g.privilege === PRIVILEGE.U ? 11 : 9))());
  },
  /** A jump to where nothing can be fetched: the handler leads on to the next turn. */
  lost: (g) => {
    if (!g.random.chance(3)) return;
    const on = g.label();
    g.line(
      `andi t4, s11, 7; bne t4, zero, ${on}; li t3, ${g.random.pick([0n, 0x4000_0000n, 0x9000_0000n])}; jalr zero, 0(t3); ${on}:`,
    );
  },
  fence: (g) => g.line(g.random.pick(['fence', 'fence.i', 'sfence.vma zero, zero', 'sfence.vma t3, zero'])),
  device: (g) => {
    if (g.paged && !g.random.chance(4)) return;
    g.line(
      `li t3, ${GUEST.device}; ${g.random.pick(['lw', 'lbu', 'sw', 'lhu', 'ld', 'sd'])} ${g.value()}, ${8 * g.random.below(4)}(t3)`,
    );
  },
  /** Changes what a page allows, with or without telling the TLB. */
  remap: (g) => {
    if (!g.paged || g.privilege === PRIVILEGE.U) return;
    const page = g.random.below(GUEST.dataWindowPages);
    const entry = GUEST.tables + 3 * PAGE + 8 * page;
    g.line(
      `li t3, ${entry}; ld t4, 0(t3); xori t4, t4, ${g.random.pick([PTE.W, PTE.D, PTE.A, PTE.V, PTE.R])}; sd t4, 0(t3)`,
    );
    if (g.random.below(3) > 0) g.line('sfence.vma zero, zero');
  },
  /** Machine mode reads through the tables of another mode. */
  borrow: (g) => {
    if (g.privilege !== PRIVILEGE.M) return;
    g.line('li t4, 0x20800; csrrs zero, mstatus, t4');
    g.line(`li t3, ${g.paged ? GUEST.dataWindow + 16 : GUEST.data + 16}; ld a0, 0(t3); addi a0, a0, 1; sd a0, 8(t3)`);
    g.line('li t4, 0x20000; csrrc zero, mstatus, t4');
  },
  wait: (g) => {
    if (g.random.chance(3)) g.line('wfi');
  },
  timer: (g) => {
    if (g.random.chance(2))
      g.line(`csrrs t4, time, zero; addi t4, t4, ${1 + g.random.below(60)}; csrrw zero, stimecmp, t4`);
  },
} as const satisfies Record<string, Statement>;

/** What others stand in, or are called by: without many of these, little is hot. */
const CARRYING: ReadonlySet<string> = new Set<keyof typeof STATEMENTS>(['loop', 'call']);

const LEAVING: ReadonlySet<string> = new Set<keyof typeof STATEMENTS>([
  ...(['csr', 'trap', 'lost', 'fence', 'device', 'remap', 'borrow', 'wait', 'timer'] as const),
]);

/** Sv39 tables for the generated programs: everything where it is, and windows that show data and code again. */
export function writePageTables(
  memory: { write64(pa: number, value: bigint): void },
  user: boolean,
  random: Random,
): void {
  const { tables } = GUEST;
  const pointer = (table: number) => (BigInt((tables + table * PAGE) / PAGE) << 10n) | 1n;
  const leaf = (pa: number, flags: number) => (BigInt(Math.floor(pa / PAGE)) << 10n) | BigInt(flags);
  const set = (table: number, index: number, entry: bigint) => memory.write64(tables + table * PAGE + index * 8, entry);
  const all = PTE.V | PTE.R | PTE.W | PTE.X | PTE.A | PTE.D | (user ? PTE.U : 0);
  // Root: gigabytes 1 (windows) and 2 (RAM); 0 is one huge page with the device.
  set(0, 0, leaf(0, all & ~PTE.X));
  set(0, 1, pointer(1));
  set(0, 2, pointer(2));
  set(1, 0, pointer(3));
  set(1, 128, pointer(5));
  set(2, 0, pointer(4));
  const pages = GUEST.memoryBytes / PAGE;
  for (let page = 0; page < pages; page++) {
    const pa = GUEST.code + page * PAGE;
    const isSupervisors = pa === GUEST.supervisorHandler || (pa >= tables && pa < tables + 8 * PAGE);
    set(4, page, leaf(pa, isSupervisors ? all & ~PTE.U : all));
  }
  for (let page = 0; page < GUEST.dataWindowPages; page++) {
    const flags = random.pick([all, all, all, all & ~PTE.D, all & ~(PTE.A | PTE.D), all & ~PTE.W]);
    const isHole = page > 2 && random.chance(10);
    set(3, page, isHole ? 0n : leaf(GUEST.data + (page % GUEST.dataPages) * PAGE, flags & ~PTE.X));
  }
  for (let page = 0; page < GUEST.codePages; page++) set(5, page, leaf(GUEST.code + page * PAGE, all));
}
