/**
 * Registers, bits and commands of an ATA drive (ATA/ATAPI-7 volume 2, "Register delivered data transfer"; ATA8-ACS for the commands) and
 * of the bus master beside it (Programming Interface for Bus Master IDE Controller 1.0, "BMIDE").
 */

/** Registers of the command block by number. Error and Features, Status and Command share one. */
export const ATA = {
  Data: 0,
  Error: 1,
  Features: 1,
  SectorCount: 2,
  LBALow: 3,
  LBAMid: 4,
  LBAHigh: 5,
  Device: 6,
  Status: 7,
  Command: 7,
} as const;

/** Names in events and reports, by number. */
export const ATA_COMMAND_BLOCK_NAMES = [
  'Data',
  'Error/Features',
  'SectorCount',
  'LBALow',
  'LBAMid',
  'LBAHigh',
  'Device',
  'Status/Command',
] as const;
export const ATA_CONTROL_NAME = 'AltStatus/DeviceControl';

/** Bit 4 is obsolete as "seek complete"; drives still set it, and drivers of old look for it. */
export const ATA_STATUS = { ERR: 0x01, DRQ: 0x08, DSC: 0x10, DF: 0x20, DRDY: 0x40, BSY: 0x80 } as const;
export const ATA_ERROR = { ABRT: 0x04, IDNF: 0x10 } as const;
export const ATA_DEVICE = { head: 0x0f, DEV: 0x10, LBA: 0x40 } as const;
export const ATA_CONTROL = { nIEN: 0x02, SRST: 0x04, HOB: 0x80 } as const;

export const ATA_SECTOR_BYTES = 512;

/** Command codes (ATA8-ACS, "Command descriptions"). The two codes in parentheses there, "without retries", are obsolete and left out. */
export const ATA_COMMAND = {
  READ_SECTORS: 0x20,
  READ_SECTORS_EXT: 0x24,
  READ_DMA_EXT: 0x25,
  WRITE_SECTORS: 0x30,
  WRITE_SECTORS_EXT: 0x34,
  WRITE_DMA_EXT: 0x35,
  READ_VERIFY_SECTORS: 0x40,
  READ_VERIFY_SECTORS_EXT: 0x42,
  EXECUTE_DEVICE_DIAGNOSTIC: 0x90,
  READ_DMA: 0xc8,
  WRITE_DMA: 0xca,
  STANDBY_IMMEDIATE: 0xe0,
  IDLE_IMMEDIATE: 0xe1,
  CHECK_POWER_MODE: 0xe5,
  FLUSH_CACHE: 0xe7,
  FLUSH_CACHE_EXT: 0xea,
  IDENTIFY_DEVICE: 0xec,
  SET_FEATURES: 0xef,
} as const;

/** Subcommands of SET FEATURES. */
export const ATA_FEATURE = {
  enableWriteCache: 0x02,
  setTransferMode: 0x03,
  disableLookAhead: 0x55,
  disableWriteCache: 0x82,
  enableLookAhead: 0xaa,
} as const;

/** A command that names sectors: what it does with them, and whether its addresses have 48 bits. */
export interface SectorCommand {
  readonly kind: 'pio-in' | 'pio-out' | 'dma-in' | 'dma-out' | 'verify';
  readonly ext: boolean;
}

export const SECTOR_COMMANDS: ReadonlyMap<number, SectorCommand> = new Map([
  [ATA_COMMAND.READ_SECTORS, { kind: 'pio-in', ext: false }],
  [ATA_COMMAND.READ_SECTORS_EXT, { kind: 'pio-in', ext: true }],
  [ATA_COMMAND.WRITE_SECTORS, { kind: 'pio-out', ext: false }],
  [ATA_COMMAND.WRITE_SECTORS_EXT, { kind: 'pio-out', ext: true }],
  [ATA_COMMAND.READ_DMA, { kind: 'dma-in', ext: false }],
  [ATA_COMMAND.READ_DMA_EXT, { kind: 'dma-in', ext: true }],
  [ATA_COMMAND.WRITE_DMA, { kind: 'dma-out', ext: false }],
  [ATA_COMMAND.WRITE_DMA_EXT, { kind: 'dma-out', ext: true }],
  [ATA_COMMAND.READ_VERIFY_SECTORS, { kind: 'verify', ext: false }],
  [ATA_COMMAND.READ_VERIFY_SECTORS_EXT, { kind: 'verify', ext: true }],
] as const);

/** Registers of one bus-master channel: offsets, and their names in events and reports. */
export const BM = { Command: 0, Status: 2, Table: 4 } as const;
export const BM_COMMAND = { start: 0x01, toMemory: 0x08 } as const;
export const BM_STATUS = { active: 0x01, error: 0x02, interrupt: 0x04, drivesCapable: 0x60 } as const;
