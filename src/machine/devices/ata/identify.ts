/** What IDENTIFY DEVICE answers (ATA8-ACS, IDENTIFY DEVICE, table of the 256 words), as the 512 bytes of its block. */
import { ATA_SECTOR_BYTES } from './ata-registers.ts';

const LBA28_SECTORS_MAX = 0x0fff_ffff;
/** Words 82 to 84 and what of it is on, 85 to 87; bits 15:14 of words 83, 84 and 87 are 01 where a word is valid. */
const WRITE_CACHE = 1 << 5;
const LOOK_AHEAD = 1 << 6;
const FLUSH_CACHE = 1 << 12;
const FLUSH_CACHE_EXT = 1 << 13;
const LBA48 = 1 << 10;
const VALID = 1 << 14;

export interface IdentifyFacts {
  readonly capacitySectors: number;
  /** Up to 20 ASCII characters. */
  readonly serial: string;
  readonly writeCache: boolean;
  readonly lookAhead: boolean;
  /** The value of the last SET FEATURES transfer mode. */
  readonly transferMode: number;
}

/** 512 bytes, words little-endian. */
export function identifyData(facts: IdentifyFacts): Uint8Array {
  const view = new DataView(new ArrayBuffer(ATA_SECTOR_BYTES));
  const word = (index: number, value: number) => view.setUint16(2 * index, value, true);
  const { capacitySectors } = facts;
  // Word 0: an ATA device, fixed. Cylinders, heads and sectors (1, 3, 6) are obsolete and stay 0: LBA only.
  word(0, 0x0040);
  text(view, 10, 20, facts.serial);
  text(view, 23, 8, '1');
  text(view, 27, 40, 'Paratrace ATA drive');
  word(47, 0x8000);
  // Capabilities: IORDY, LBA, DMA.
  word(49, 0x0b00);
  word(50, VALID);
  // Words 64 to 70 and 88 are valid.
  word(53, 0x0006);
  view.setUint32(2 * 60, Math.min(capacitySectors, LBA28_SECTORS_MAX), true);
  const [kind, mode] = [facts.transferMode & 0xf8, facts.transferMode & 7];
  word(63, 0x07 | (kind === 0x20 ? 1 << (8 + mode) : 0));
  word(64, 0x03);
  for (const cycleTime of [65, 66, 67, 68]) word(cycleTime, 120);
  // ATA/ATAPI-4 to ATA8-ACS.
  word(80, 0x01f0);
  word(82, WRITE_CACHE | LOOK_AHEAD);
  word(83, VALID | LBA48 | FLUSH_CACHE | FLUSH_CACHE_EXT);
  word(84, VALID);
  word(85, (facts.writeCache ? WRITE_CACHE : 0) | (facts.lookAhead ? LOOK_AHEAD : 0));
  word(86, LBA48 | FLUSH_CACHE | FLUSH_CACHE_EXT);
  word(87, VALID);
  word(88, 0x3f | (kind === 0x40 ? 1 << (8 + mode) : 0));
  view.setBigUint64(2 * 100, BigInt(capacitySectors), true);
  const bytes = new Uint8Array(view.buffer);
  // Word 255, the integrity word: signature A5h, then what makes all bytes add up to 0.
  bytes[510] = 0xa5;
  bytes[511] = -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return bytes;
}

/** ATA strings: two characters a word, the first in the upper byte, filled up with spaces. */
function text(view: DataView, firstWord: number, lengthBytes: number, value: string): void {
  const padded = value.padEnd(lengthBytes).slice(0, lengthBytes);
  for (let i = 0; i < lengthBytes; i++) view.setUint8(2 * firstWord + (i ^ 1), padded.charCodeAt(i) & 0x7f);
}
