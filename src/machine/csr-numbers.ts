/** Numbers and names of the control and status registers (Privileged ISA, chapter 2), typed once. */

const counters = (prefix: string, base: number) =>
  Object.fromEntries(Array.from({ length: 29 }, (_, index) => [`${prefix}${index + 3}`, base + index]));

/** Every CSR that the machine has. Bits 9:8 of a number are the lowest privilege, bits 11:10 = 3 mean read-only. */
export const CSR_NUMBERS = {
  cycle: 0xc00,
  time: 0xc01,
  instret: 0xc02,
  sstatus: 0x100,
  sie: 0x104,
  stvec: 0x105,
  scounteren: 0x106,
  senvcfg: 0x10a,
  sscratch: 0x140,
  sepc: 0x141,
  scause: 0x142,
  stval: 0x143,
  sip: 0x144,
  stimecmp: 0x14d,
  satp: 0x180,
  mvendorid: 0xf11,
  marchid: 0xf12,
  mimpid: 0xf13,
  mhartid: 0xf14,
  mconfigptr: 0xf15,
  mstatus: 0x300,
  misa: 0x301,
  medeleg: 0x302,
  mideleg: 0x303,
  mie: 0x304,
  mtvec: 0x305,
  mcounteren: 0x306,
  menvcfg: 0x30a,
  mcountinhibit: 0x320,
  mscratch: 0x340,
  mepc: 0x341,
  mcause: 0x342,
  mtval: 0x343,
  mip: 0x344,
  pmpcfg0: 0x3a0,
  pmpcfg2: 0x3a2,
  mcycle: 0xb00,
  minstret: 0xb02,
} as const;

export type CsrName = keyof typeof CSR_NUMBERS;

/** Families of CSRs that all behave alike. */
export const CSR_FAMILIES: Readonly<Record<string, number>> = {
  ...counters('hpmcounter', 0xc03),
  ...counters('mhpmcounter', 0xb03),
  ...counters('mhpmevent', 0x323),
  ...Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`pmpaddr${index}`, 0x3b0 + index])),
};

const NAMES = new Map(
  [...Object.entries(CSR_NUMBERS), ...Object.entries(CSR_FAMILIES)].map(([name, number]) => [number, name]),
);

/** Name of a CSR by its number; undefined if the machine has none there. */
export function csrName(number: number): string | undefined {
  return NAMES.get(number);
}
