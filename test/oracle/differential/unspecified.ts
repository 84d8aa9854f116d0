/**
 * Where the specification leaves a choice, or QEMU 7.2 departs from it, and both answers stand. Each entry is as narrow as the
 * difference, and the test fails when one is no longer needed.
 */

import { must } from '../../../src/assert.ts';
import type { OracleCase } from './case.ts';
import type { OracleRecord } from './image.ts';
import { dataLeafAt, rootIsNowhere, tableIsNowhere } from './page-tables.ts';

const CAUSE = { illegal: 2n, breakpoint: 3n, supervisorCall: 9n } as const;
const LOADS = { misaligned: 4n, access: 5n, page: 13n } as const;
const STORES = { misaligned: 6n, access: 7n, page: 15n } as const;
const FETCH = { access: 1n, page: 12n } as const;

/** Every departure, with why it is one. */
export const REASONS = {
  'amo-as-load':
    'QEMU 7.2 runs an AMO as a load and then a store, and reports what the load meets as a load exception; Privileged ISA 3.1.15 has store/AMO exceptions only',
  'sc-unreserved':
    'whether a store-conditional without a reservation also traps for its address is open; QEMU lets it fail, Paratrace traps',
  'access-tval': 'QEMU 7.2 rounds the address of an access fault down to the width of the access when it is misaligned',
  'crossing-order':
    'which half of a misaligned access across two bad pages is reported is open (Privileged ISA 3.1.16)',
  'walk-nowhere':
    'QEMU 7.2 page-faults where a page table is not in memory; Privileged ISA 12.3.2 step 2 has an access fault',
  'interrupt-order':
    'QEMU 7.2 takes the interrupt with the lowest number; Privileged ISA 3.1.9 has MEI, MSI, MTI, SEI, SSI, STI',
  'read-only-zero':
    'QEMU 7.2 lets csrrs and csrrc through to a read-only CSR when the register holds 0; Unprivileged ISA 6.1 has only x0 not write',
  'pmp-grain':
    'QEMU 7.2 has PMP entries of 4 bytes and keeps 64 bits of an address; Paratrace has 4 KiB and 54 bits (Privileged ISA 3.7.1)',
  ctzw: 'QEMU 7.2 counts past bit 31 when the low word is zero; the Unprivileged ISA (30.2) has 32',
  vstimecmp: 'QEMU 7.2 has vstimecmp without the hypervisor extension',
  'envcfg-foreign':
    'QEMU 7.2 stores the fields for cache-block operations and page-based memory types without having them',
  asid: 'the number of ASID bits in satp is open (Privileged ISA 12.1.11): QEMU has 16, Paratrace none',
} as const;
export type Reason = keyof typeof REASONS;

interface Normalised {
  readonly theirs: OracleRecord;
  readonly mine: OracleRecord;
  readonly liberties: readonly Reason[];
}

/** Answers what should stand in QEMU's record if the rule's reason applies, or undefined. */
type Rule = (item: OracleCase, theirs: OracleRecord, mine: OracleRecord) => OracleRecord | undefined;

const withWords = (record: OracleRecord, words: Partial<OracleRecord['words']>): OracleRecord => ({
  ...record,
  words: { ...record.words, ...words },
});

const ENVCFG_FOREIGN = 0xf0n | (1n << 62n);
const SATP_ASID = 0xffffn << 44n;
const INTERRUPT = 1n << 63n;
const INTERRUPT_ORDER = [11n, 3n, 7n, 9n, 1n, 5n];
const PMP_MODE_FIELDS = 0x1818_1818_1818_1818n;
const PMP_GRAIN_BITS = 10n;
const PMP_ADDRESS_BITS = 54;

/** A delegated trap comes back through a call from its handler: what was taken first stands in `scause`. */
const firstTrap = ({ words }: OracleRecord) =>
  words.mcause === CAUSE.supervisorCall && words.scause !== 0n
    ? (['scause', 'stval'] as const)
    : (['mcause', 'mtval'] as const);

const PAGE_SHIFT = 12n;
/** Whether one of two reported addresses lies in the last bytes of a page, so that 8 bytes from there reach into the next. */
const crossesPage = (...addresses: bigint[]) => addresses.some((address) => (address & 0xfffn) >= 0xff8n);

const RULES: Readonly<Record<Reason, Rule>> = {
  'amo-as-load': (item, theirs, mine) => {
    const [cause] = firstTrap(theirs);
    const kind = (['misaligned', 'access', 'page'] as const).find((kind) => LOADS[kind] === theirs.words[cause]);
    if (!hasAmo(item) || kind === undefined || mine.words[cause] !== STORES[kind]) return undefined;
    return withWords(theirs, { [cause]: STORES[kind] });
  },
  'sc-unreserved': (item, theirs, mine) => {
    const [cause] = firstTrap(mine);
    const traps = Object.values(STORES).some((store) => store === mine.words[cause]);
    return hasAtomic(item, FUNCT5_SC) && theirs.words.mcause === CAUSE.breakpoint && traps ? mine : undefined;
  },
  'crossing-order': (_item, theirs, mine) => {
    const causes: readonly bigint[] = [LOADS.access, LOADS.page, STORES.access, STORES.page];
    const both = causes.includes(theirs.words.mcause) && causes.includes(mine.words.mcause);
    const differ = theirs.words.mcause !== mine.words.mcause || theirs.words.mtval !== mine.words.mtval;
    const pages = [theirs, mine].map(({ words }) => (words.mtval + 8n) >> PAGE_SHIFT);
    return both && differ && pages[0] === pages[1] && crossesPage(mine.words.mtval, theirs.words.mtval)
      ? withWords(theirs, { mcause: mine.words.mcause, mtval: mine.words.mtval })
      : undefined;
  },
  'access-tval': (_item, theirs, mine) => {
    const [cause, tval] = firstTrap(theirs);
    const access = theirs.words[cause] === LOADS.access || theirs.words[cause] === STORES.access;
    const [rounded, exact] = [theirs.words[tval], mine.words[tval]];
    return access && rounded < exact && exact - rounded < 8n ? withWords(theirs, { [tval]: exact }) : undefined;
  },
  'walk-nowhere': (_item, theirs, mine) => {
    const page: readonly bigint[] = [LOADS.page, STORES.page, FETCH.page];
    const access: readonly bigint[] = [LOADS.access, STORES.access, FETCH.access];
    const nowhere = tableIsNowhere(theirs.words.mtval) || rootIsNowhere(mine.words.satp);
    const applies = nowhere && page.includes(theirs.words.mcause);
    return applies && access.includes(mine.words.mcause) ? withWords(theirs, { mcause: mine.words.mcause }) : undefined;
  },
  'interrupt-order': (item, theirs, mine) => {
    const [cause] = firstTrap(theirs);
    if ((theirs.words[cause] & mine.words[cause] & INTERRUPT) === 0n) return undefined;
    const delegated = mine.words.mideleg;
    const enabled = mine.words.mip & (item.words.mie ?? 0n) & (cause === 'scause' ? delegated : ~delegated);
    const first = INTERRUPT_ORDER.find((bit) => (enabled >> bit) & 1n);
    if (first === undefined || mine.words[cause] !== (INTERRUPT | first) || theirs.words[cause] === mine.words[cause]) {
      return undefined;
    }
    const vectored = cause === 'scause' && (mine.words.stvec & 1n) === 1n;
    return withWords(theirs, {
      [cause]: mine.words[cause],
      ...(vectored ? { mepc: (mine.words.stvec & ~3n) + 4n * first } : {}),
    });
  },
  'read-only-zero': (item, _theirs, mine) => {
    const { value } = must(item.code[0], 'the instruction');
    const source = (value >>> 15) & 31;
    const setsOrClears = item.row === 'csrrs' || item.row === 'csrrc';
    const applies = setsOrClears && value >>> 30 === 3 && source !== 0 && item.registers[source] === 0n;
    return applies && mine.words.mcause === CAUSE.illegal ? mine : undefined;
  },
  'pmp-grain': (item, theirs, mine) => {
    if (/\bpmpaddr/.test(item.name)) {
      return replaceRegisters(theirs, mine, (value) => BigInt.asUintN(PMP_ADDRESS_BITS, value) >> PMP_GRAIN_BITS);
    }
    // With a grain above 4 bytes a region of 4 bytes (NA4) cannot be chosen.
    return /\bpmpcfg/.test(item.name) ? replaceRegisters(theirs, mine, (value) => value & ~PMP_MODE_FIELDS) : undefined;
  },
  ctzw: (item, theirs, mine) => {
    if (item.row !== 'ctzw' || item.code.length !== 1) return undefined;
    const { value } = must(item.code[0], 'the instruction');
    const rd = (value >>> 7) & 31;
    const before = item.registers[(value >>> 15) & 31] ?? 0n;
    const applies = rd !== 0 && (before & 0xffff_ffffn) === 0n && before !== 0n && mine.registers[rd] === 32n;
    return applies ? { ...theirs, registers: theirs.registers.with(rd, 32n) } : undefined;
  },
  vstimecmp: (item, _theirs, mine) =>
    item.name.startsWith('read csr 0x24d ') && mine.words.mcause === CAUSE.illegal ? mine : undefined,
  'envcfg-foreign': (item, theirs, mine) =>
    /\b[ms]envcfg,/.test(item.name) ? replaceRegisters(theirs, mine, (value) => value & ~ENVCFG_FOREIGN) : undefined,
  asid: (item, theirs, mine) => {
    if (!/\bsatp,/.test(item.name)) return undefined;
    const inPart = (value: bigint) => value & ~SATP_ASID;
    const same = theirs.words.satp !== mine.words.satp && inPart(theirs.words.satp) === mine.words.satp;
    const replaced = replaceRegisters(theirs, mine, inPart);
    return same ? withWords(replaced ?? theirs, { satp: mine.words.satp }) : replaced;
  },
};

/** Takes over our value of each register that differs but is the same `in part`; undefined if there is none. */
function replaceRegisters(
  theirs: OracleRecord,
  mine: OracleRecord,
  part: (value: bigint) => bigint,
): OracleRecord | undefined {
  const registers = theirs.registers.map((value, i) => {
    const own = mine.registers[i] ?? 0n;
    return part(value) === part(own) ? own : value;
  });
  return registers.every((value, i) => value === theirs.registers[i]) ? undefined : { ...theirs, registers };
}

export function normalise(item: OracleCase, theirs: OracleRecord, mine: OracleRecord): Normalised {
  const liberties: Reason[] = [];
  let corrected = theirs;
  for (const reason of Object.keys(RULES) as Reason[]) {
    const next = RULES[reason](item, corrected, mine);
    if (next === undefined) continue;
    liberties.push(reason);
    corrected = next;
  }
  return { theirs: corrected, mine, liberties };
}

/**
 * Entries in which only QEMU may have set A: its AMO has loaded before it met the fault of the store (`amo-as-load`). By the first byte
 * of the entry.
 */
export function leavesOfFaultingAmo(item: OracleCase, mine: OracleRecord): number[] {
  const leaf = dataLeafAt(mine.words.mtval);
  return hasAmo(item) && mine.words.mcause === STORES.page && leaf !== undefined ? [leaf] : [];
}

const AMO_OPCODE = 0x2f;
const FUNCT5_LR = 2;
const FUNCT5_SC = 3;

const atomicsOf = (item: OracleCase) =>
  item.code
    .filter(({ value, lengthBytes }) => lengthBytes === 4 && (value & 0x7f) === AMO_OPCODE)
    .map(({ value }) => value >>> 27);
const hasAtomic = (item: OracleCase, funct5: number) => atomicsOf(item).includes(funct5);
const hasAmo = (item: OracleCase) => atomicsOf(item).some((funct5) => funct5 !== FUNCT5_LR);
