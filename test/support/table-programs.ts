/**
 * Random kernels that are hostile to whoever shadows their page tables: a pool of pages serves as tables of every level and as data at once,
 * and is stored to in every width, through the identity mapping and through whatever the tables happen to say, from S- and U-mode. Each
 * change is followed by a fence, so that nothing but the tables decides what happens next.
 *
 * Two things are out of reach of all this, because a change of theirs could not be fenced in time: the code, mapped by entry
 * {@link CRITICAL_INDEX} of every root, and pages that execute.
 *
 * Registers: s11 where to go on; s10 log; s9 what was read; s8 the hart's page of scratch; the others hold operands.
 */
import type { GuestMemory } from '../../src/machine/bus.ts';
import type { Random } from '../oracle/differential/random.ts';
import { assemble, type Program } from './assembler.ts';
import { PAGE, PTE, RAM } from './machine-rig.ts';

export const MEMORY_BYTES = 2 << 20;
const page = (index: number) => RAM + index * PAGE;
/** Page 0 stays empty: superpages that are read as small ones lead there. */
export const CODE = page(1);
const CODE_BYTES_MAX = 7 * PAGE;
const FIXED_TABLE = page(8);
const SMALL_TABLE = page(9);
const LOG = page(0x0a);
/** Roots of Sv48, whose entry 0 leads to the roots of Sv39. They are never mapped but by the identity. */
const SV48_ROOT = page(0x0e);
/** Pages that are tables and data, the roots of Sv39 first. */
const POOL = Array.from({ length: 6 }, (_, index) => page(0x12 + index));
const ROOTS = POOL.slice(0, 3);
/** Pages that execute: they only ever go on at s11, or call. Entries for them are at the same place of every table. */
const FETCH_INDEXES = [0x20, 0x21] as const;
const SUPERVISOR_CODE = page(FETCH_INDEXES[0]);
const USER_CODE = page(FETCH_INDEXES[1]);

/** Entry of a root that maps the code. */
const CRITICAL_INDEX = 2;
const ROOT_INDEXES = [1, 3, 4, 511] as const;
const MIDDLE_INDEXES = [0, 1, 4] as const;
const PAGE_INDEXES = [0x12, 0x13, 0x14, 0x15, 0x16, 0x17] as const;
/** Entries that are stored to whole, and those whose neighbour behind may be hit as well. */
const ENTRY_INDEXES = [...new Set([...ROOT_INDEXES, ...MIDDLE_INDEXES, ...PAGE_INDEXES])];
const STRADDLED_INDEXES = [3, 4, ...PAGE_INDEXES, 511] as const;
const RWAD = PTE.R | PTE.W | PTE.A | PTE.D;
const OPERATIONS = 60;

export interface TableProgram {
  readonly program: Program;
  /** By hart: the first `satp`. */
  readonly satps: readonly bigint[];
  readonly source: string;
}

const pteOf = (pa: number, flags: number) => (BigInt(pa / PAGE) << 10n) | BigInt(flags);
const satpOf = (root: number, mode: number) => (BigInt(mode) << 60n) | BigInt(root / PAGE);

export class TableProgramMaker {
  readonly #random: Random;
  readonly #satps: readonly bigint[];

  constructor(random: Random) {
    this.#random = random;
    this.#satps = [0n, ...ROOTS.map((root) => satpOf(root, 8)), satpOf(SV48_ROOT, 9)];
  }

  /** Fills memory: tables, code of all harts, handler. */
  load(memory: GuestMemory, hartCount: number): TableProgram {
    const random = this.#random;
    memory.writeBytes(RAM, new Uint8Array(MEMORY_BYTES));
    this.#fixedTables(memory);
    for (const table of [...POOL, SV48_ROOT]) {
      for (const index of ENTRY_INDEXES) {
        if (table === SV48_ROOT && index === 0) continue;
        if (!random.chance(5)) memory.write64(table + 8 * index, this.#entry());
      }
      for (const index of FETCH_INDEXES) memory.write64(table + 8 * index, this.#fetchEntry());
    }
    for (const root of ROOTS) memory.write64(root + 8 * CRITICAL_INDEX, pteOf(FIXED_TABLE, PTE.V));
    memory.write64(SV48_ROOT, pteOf(ROOTS[0] ?? 0, PTE.V));
    const go = assemble(expand('jr s11'), 0).bytes;
    for (let at = 0; at < PAGE; at += 4) memory.writeBytes(SUPERVISOR_CODE + at, go);
    const call = assemble('ecall', 0).bytes;
    for (let at = 0; at < PAGE; at += 4) memory.writeBytes(USER_CODE + at, call);
    memory.writeBytes(USER_CODE, assemble(`${this.#userAccess()}; ecall`, 0).bytes);
    const source = `${HANDLER}\n${Array.from({ length: hartCount }, (_, hart) => this.#body(hart)).join('\n')}\nend: j end\n`;
    const program = assemble(expand(source), CODE);
    if (program.bytes.length > CODE_BYTES_MAX) throw new RangeError('a program that is too long');
    memory.writeBytes(CODE, program.bytes);
    const satps = Array.from({ length: hartCount }, () => random.pick(this.#satps));
    return { program, satps, source };
  }

  /** The code's mapping: all of RAM as a superpage, or page by page. */
  #fixedTables(memory: GuestMemory): void {
    const flags = PTE.V | RWAD | PTE.X;
    if (this.#random.chance(2)) {
      memory.write64(FIXED_TABLE, pteOf(RAM, flags));
      return;
    }
    memory.write64(FIXED_TABLE, pteOf(SMALL_TABLE, PTE.V));
    for (let index = 0; index < 512; index++) memory.write64(SMALL_TABLE + 8 * index, pteOf(page(index), flags));
  }

  #flags(): number {
    const random = this.#random;
    const base = random.pick([RWAD, RWAD, RWAD & ~PTE.D, PTE.R | PTE.W, PTE.R | PTE.A, PTE.X | PTE.A, PTE.R, PTE.W]);
    return PTE.V | base | (random.chance(2) ? PTE.U : 0) | (random.chance(8) ? PTE.G : 0);
  }

  /** Anything that an entry may be: a table, a page, a superpage of all of RAM, nothing, nonsense. */
  #entry(): bigint {
    const random = this.#random;
    switch (random.below(12)) {
      case 0:
        return 0n;
      case 1:
        return pteOf(random.pick(POOL), PTE.V | random.pick([PTE.U, PTE.A, PTE.D]));
      case 2:
        return pteOf(random.pick([0x1000_0000, 0x4000_0000, 0x8020_0000, 2 ** 40, 2 ** 50]), this.#flags());
      case 3:
        return pteOf(random.pick(POOL), this.#flags()) | (1n << BigInt(54 + random.below(10)));
      case 4:
      case 5:
        return pteOf(RAM, this.#flags());
      case 6:
      case 7:
      case 8:
        return pteOf(random.pick(POOL), PTE.V);
      default:
        return pteOf(random.pick(POOL), this.#flags());
    }
  }

  #fetchEntry(): bigint {
    const random = this.#random;
    if (random.chance(8)) return 0n;
    const flags = PTE.V | PTE.X | (random.chance(2) ? PTE.R : 0) | (random.chance(4) ? 0 : PTE.A);
    return pteOf(random.pick([SUPERVISOR_CODE, USER_CODE]), flags | (random.chance(2) ? PTE.U : 0));
  }

  #address(pageIndexes: readonly number[]): bigint {
    const random = this.#random;
    const low = (random.pick(MIDDLE_INDEXES) << 21) + (random.pick(pageIndexes) << 12);
    // In Sv48 the same, or below an entry of the root itself.
    const index = BigInt(random.pick(random.chance(3) ? [0, 1, 3] : ROOT_INDEXES));
    if (random.chance(4)) return (index << 39n) | (BigInt(random.pick([2, 3])) << 30n) | BigInt(low);
    return BigInt.asUintN(64, BigInt.asIntN(39, (index << 30n) | BigInt(low)));
  }

  /** Offset and width of an access: an entry, a part of one, or more than one. */
  #place(): { readonly offset: number; readonly size: 1 | 2 | 4 | 8; readonly straddles: boolean } {
    const random = this.#random;
    const size = random.pick([8, 8, 8, 4, 2, 1] as const);
    if (size > 1 && random.chance(5)) {
      const offset = 8 * random.pick(STRADDLED_INDEXES) + 8 - random.pick(size === 8 ? [1, 2, 4, 7] : [1]);
      return { offset, size, straddles: true };
    }
    const within = size === 8 ? 0 : size * random.below(random.chance(2) ? 1 : 8 / size);
    return { offset: 8 * random.pick(ENTRY_INDEXES) + within, size, straddles: false };
  }

  /** What is stored at a place: entries, or the bytes of them that it covers. Byte 1 of an entry never leads out of the pool. */
  #value(offset: number, size: number): bigint {
    const low = this.#entry();
    const image = low | (this.#entry() << 64n);
    return BigInt.asUintN(8 * size, image >> BigInt(8 * (offset % 8)));
  }

  #store(base: bigint): string {
    const random = this.#random;
    const { offset, size, straddles } = this.#place();
    const value = this.#value(offset, size);
    const target = `li t0, ${base + BigInt(offset)}; li t1, ${value}`;
    const suffix = size === 8 ? 'd' : 'w';
    if (size < 4 || straddles || random.chance(2)) {
      const store = { 1: 'sb', 2: 'sh', 4: 'sw', 8: 'sd' }[size];
      return `${target}; ${store} t1, 0(t0)`;
    }
    switch (random.below(4)) {
      case 0:
        return `${target}; lr.${suffix} t2, zero, (t0); sc.${suffix} t3, t1, (t0); ${this.#note('t2')}`;
      case 1:
        return `${target}; amoswap.${suffix} t2, t1, (t0); ${this.#note('t2')}`;
      case 2:
        return `${target}; li t1, ${~(PTE.A | PTE.D)}; amoand.${suffix} t2, t1, (t0); ${this.#note('t2')}`;
      default:
        return `${target}; li t1, ${random.pick([PTE.U, PTE.A, PTE.D, PTE.R, PTE.V])}; amoxor.${suffix} t2, t1, (t0)`;
    }
  }

  #load(base: bigint): string {
    const { offset, size } = this.#place();
    const load = { 1: 'lbu', 2: 'lh', 4: 'lwu', 8: 'ld' }[size];
    return `li t0, ${base + BigInt(offset)}; ${load} t2, 0(t0); ${this.#note('t2')}`;
  }

  #note(register: string): string {
    return `slli t6, s9, 5; add s9, s9, t6; xor s9, s9, ${register}`;
  }

  /** What a process does: a0 to load from, a1 to store a2 to. */
  #userAccess(): string {
    return this.#random.pick(['ld a3, 0(a0); sd a2, 0(a1)', 'sd a2, 0(a1); ld a3, 0(a0)', 'amoswap.d a3, a2, (a1)']);
  }

  #operation(): string {
    const random = this.#random;
    const fence = random.chance(6) ? 'sfence.vma t0; sfence.vma' : 'sfence.vma';
    switch (random.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return `${random.chance(5) ? this.#rootStore() : this.#store(BigInt(random.pick(POOL)))}; ${fence}`;
      case 4:
      case 5:
      case 6:
        return `${this.#store(this.#address(PAGE_INDEXES))}; ${fence}`;
      case 7:
      case 8:
      case 9:
        return this.#load(this.#address(PAGE_INDEXES));
      case 10:
        return `li t0, ${this.#address(FETCH_INDEXES) + BigInt(8 * random.below(500))}; jr t0`;
      case 11:
        return `li t0, ${random.pick(this.#satps)}; csrw satp, t0; ${fence}; csrr t2, satp; ${this.#note('t2')}`;
      case 12:
        return `li t0, ${random.pick([1 << 18, 1 << 19, 3 << 18])}; ${random.pick(['csrs', 'csrc'])} sstatus, t0`;
      case 13:
        return this.#fetchStore();
      default:
        return this.#process();
    }
  }

  #rootStore(): string {
    const address = SV48_ROOT + 8 * this.#random.pick(ROOT_INDEXES);
    return `li t0, ${address}; li t1, ${this.#entry()}; sd t1, 0(t0)`;
  }

  /** Entries of the pages that execute are only ever written whole. */
  #fetchStore(): string {
    const random = this.#random;
    const address = random.pick(POOL) + 8 * random.pick(FETCH_INDEXES);
    return `li t0, ${address}; li t1, ${this.#fetchEntry()}; sd t1, 0(t0); sfence.vma`;
  }

  #process(): string {
    const target = this.#address(PAGE_INDEXES) + BigInt(8 * this.#random.pick(ENTRY_INDEXES));
    return `li a0, ${this.#address(PAGE_INDEXES) + BigInt(8 * this.#random.pick(ENTRY_INDEXES))}
      li a1, ${target}; li a2, ${this.#entry()}; li a3, 0
      li t0, ${this.#address([FETCH_INDEXES[1]])}; csrw sepc, t0; li t0, 256; csrc sstatus, t0; sret`;
  }

  #body(hart: number): string {
    const lines = [`start${hart}: li s10, ${LOG + hart * PAGE}; li s9, 0; li t0, ${1 << 19}; csrc sstatus, t0`];
    for (let index = 0; index < OPERATIONS; index++) {
      lines.push(`la s11, next${hart}.${index}; ${this.#operation()}; next${hart}.${index}:`);
    }
    return `${lines.join('\n')}\nj end`;
  }
}

/** Writes out the pseudo-instructions that the assembler does not have. */
function expand(source: string): string {
  return source
    .replace(/\bjr (\w+)/g, 'jalr zero, 0($1)')
    .replace(/\bcsrr (\w+), (\w+)/g, 'csrrs $1, $2, zero')
    .replace(/\bcsrw (\w+), (\w+)/g, 'csrrw zero, $1, $2')
    .replace(/\bcsr([sc]) (\w+), (\w+)/g, 'csrr$1 zero, $2, $3')
    .replace(/\bsfence\.vma t0/g, 'sfence.vma t0, zero')
    .replace(/\bsfence\.vma\b(?! t0)/g, 'sfence.vma zero, zero');
}

/** Notes cause, place and value of each trap, and goes on behind what trapped, in S-mode. */
const HANDLER = `
handler: sfence.vma
  csrr t6, scause; sd t6, 0(s10); csrr t6, sepc; sd t6, 8(s10); csrr t6, stval; sd t6, 16(s10)
  csrr t6, sstatus; sd t6, 24(s10); addi s10, s10, 32
  slli t6, s9, 5; add s9, s9, t6; xor s9, s9, a3
  csrw sepc, s11; li t6, 256; csrs sstatus, t6; sret`;
