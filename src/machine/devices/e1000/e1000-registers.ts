/**
 * Registers of the Intel 82540EM and their bits, from the PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual
 * ("SDM"; sections beside the groups). What is not in this table reads 0 and ignores writes.
 */

/** Offsets of single registers. */
export const E1000 = {
  CTRL: 0x0_0000,
  STATUS: 0x0_0008,
  EECD: 0x0_0010,
  EERD: 0x0_0014,
  CTRL_EXT: 0x0_0018,
  MDIC: 0x0_0020,
  FCAL: 0x0_0028,
  FCAH: 0x0_002c,
  FCT: 0x0_0030,
  VET: 0x0_0038,
  ICR: 0x0_00c0,
  ITR: 0x0_00c4,
  ICS: 0x0_00c8,
  IMS: 0x0_00d0,
  IMC: 0x0_00d8,
  RCTL: 0x0_0100,
  FCTTV: 0x0_0170,
  TXCW: 0x0_0178,
  RXCW: 0x0_0180,
  TCTL: 0x0_0400,
  TIPG: 0x0_0410,
  AIFS: 0x0_0458,
  LEDCTL: 0x0_0e00,
  PBA: 0x0_1000,
  FCRTL: 0x0_2160,
  FCRTH: 0x0_2168,
  RDBAL: 0x0_2800,
  RDBAH: 0x0_2804,
  RDLEN: 0x0_2808,
  RDH: 0x0_2810,
  RDT: 0x0_2818,
  RDTR: 0x0_2820,
  RXDCTL: 0x0_2828,
  RADV: 0x0_282c,
  RSRPD: 0x0_2c00,
  TDBAL: 0x0_3800,
  TDBAH: 0x0_3804,
  TDLEN: 0x0_3808,
  TDH: 0x0_3810,
  TDT: 0x0_3818,
  TIDV: 0x0_3820,
  TXDCTL: 0x0_3828,
  TADV: 0x0_382c,
  MPC: 0x0_4010,
  GPRC: 0x0_4074,
  BPRC: 0x0_4078,
  MPRC: 0x0_407c,
  GPTC: 0x0_4080,
  GORCL: 0x0_4088,
  GORCH: 0x0_408c,
  GOTCL: 0x0_4090,
  GOTCH: 0x0_4094,
  RNBC: 0x0_40a0,
  TPR: 0x0_40d0,
  TPT: 0x0_40d4,
  RXCSUM: 0x0_5000,
  WUC: 0x0_5800,
  WUFC: 0x0_5808,
  MANC: 0x0_5820,
} as const;
export type E1000Register = keyof typeof E1000;

/** Tables: first offset, words, and the name of a word. */
export const E1000_TABLES = {
  MTA: { offset: 0x0_5200, words: 128 },
  RA: { offset: 0x0_5400, words: 32 },
  VFTA: { offset: 0x0_5600, words: 128 },
} as const;
export type E1000Table = keyof typeof E1000_TABLES;

/** SDM 13.4.1. */
export const CTRL = { FD: 1 << 0, SLU: 1 << 6, RST: 1 << 26, PHY_RST: 2 ** 31 } as const;
/** SDM 13.4.2. Full duplex, 1000 Mb/s in bits 7:6. */
export const STATUS = { FD: 1 << 0, LU: 1 << 1, SPEED_1000: 2 << 6 } as const;
/** SDM 13.4.3: an EEPROM is present, and access to it is granted at once. */
export const EECD = { REQ: 1 << 6, GNT: 1 << 7, PRES: 1 << 8 } as const;
/** SDM 13.4.4, layout of the 82540EM. */
export const EERD = { START: 1 << 0, DONE: 1 << 4, addressShift: 8, dataShift: 16 } as const;
/** SDM "MDI Control Register". */
export const MDIC = {
  dataMask: 0xffff,
  registerShift: 16,
  phyShift: 21,
  operationShift: 26,
  write: 1,
  read: 2,
  READY: 1 << 28,
  ERROR: 1 << 30,
} as const;
/** SDM 13.4.17; the same bits in ICS, IMS and IMC. */
export const ICR = { TXDW: 1 << 0, TXQE: 1 << 1, LSC: 1 << 2, RXDMT0: 1 << 4, RXO: 1 << 6, RXT0: 1 << 7 } as const;
/** Causes there are: bits 16:0. */
export const ICR_MASK = 0x1_ffff;
/** SDM 13.4.22. */
export const RCTL = {
  EN: 1 << 1,
  UPE: 1 << 3,
  MPE: 1 << 4,
  thresholdShift: 8,
  multicastShift: 12,
  BAM: 1 << 15,
  sizeShift: 16,
  BSEX: 1 << 25,
  SECRC: 1 << 26,
} as const;
/** SDM 13.4.33. */
export const TCTL = { EN: 1 << 1, PSP: 1 << 3 } as const;
/** SDM 13.5.3: the address is valid. */
export const RAH_AV = 2 ** 31;

/** ITR counts in these (SDM 13.4.18). */
export const ITR_UNIT_NANOSECONDS = 256;

/** Bits of a descriptor address register that exist (SDM 13.4.25, 13.4.27): 16-byte alignment, length in units of 128 bytes. */
export const RING_BASE_MASK = 0xffff_fff0;
export const RING_LENGTH_MASK = 0x000f_ff80;
export const DESCRIPTOR_BYTES = 16;

/** Legacy transmit descriptor (SDM 3.3.3): offsets, command bits, status bit. */
export const TX = { length: 8, command: 11, status: 12 } as const;
export const TX_COMMAND = { EOP: 1 << 0, IFCS: 1 << 1, RS: 1 << 3, DEXT: 1 << 5 } as const;
/** Receive descriptor (SDM 3.2.3). IXSM: the checksum fields mean nothing. */
export const RX = { length: 8, checksum: 10, status: 12, errors: 13, special: 14 } as const;
export const RX_STATUS = { EOP: 1 << 1, IXSM: 1 << 2 } as const;
export const DD = 1;

const NAMES = new Map<number, string>(Object.entries(E1000).map(([name, offset]) => [offset, name]));

/** Name of the register at an offset, for events and reports: `TDT`, `MTA[3]`, `RAL[0]`. */
export function e1000RegisterName(offset: number): string | undefined {
  const name = NAMES.get(offset);
  if (name !== undefined) return name;
  const place = e1000TableAt(offset);
  if (place === undefined) return undefined;
  const { table, index } = place;
  return table === 'RA' ? `${index % 2 === 0 ? 'RAL' : 'RAH'}[${index >> 1}]` : `${table}[${index}]`;
}

/** The table and word at an offset. */
export function e1000TableAt(offset: number): { readonly table: E1000Table; readonly index: number } | undefined {
  // Registers in use lie below the tables: no search for them.
  if (offset < E1000_TABLES.MTA.offset || offset % 4 !== 0) return undefined;
  for (const table of ['MTA', 'RA', 'VFTA'] as const) {
    const { offset: first, words } = E1000_TABLES[table];
    const index = (offset - first) / 4;
    if (index >= 0 && index < words) return { table, index };
  }
  return undefined;
}
