/** Lays cases out into a RAM image that `harness.S` runs, and takes the records out of the RAM that comes back. */
import { assert, must } from '../../../src/assert.ts';
import type { OracleCase } from './case.ts';
import type { CaseWord, RecordWord } from './layout.ts';
import {
  AT,
  CASE_BYTES,
  CASE_WORDS,
  CASES_MAX,
  caseWordAt,
  RAM_BASE,
  RECORD_BYTES,
  RECORD_WORDS,
  recordWordAt,
} from './layout.ts';
import { writePageTables } from './page-tables.ts';

const C_EBREAK = 0x9002;
const ECALL = 0x0000_0073;
const SLOT_BYTES = 16;
const PAGE_BYTES = 4096;
const STUB_VECTORS = 64;

export interface OracleRecord {
  readonly registers: readonly bigint[];
  readonly words: Readonly<Record<RecordWord, bigint>>;
}

/** RAM from its base to the end of the cases. The data are seeded bytes from `fill`. */
export function buildImage(harness: Uint8Array, cases: readonly OracleCase[], fill: () => number): Uint8Array {
  assert(cases.length <= CASES_MAX, 'one image holds that many cases');
  const image = new Uint8Array(AT.records - RAM_BASE);
  const view = new DataView(image.buffer);
  image.set(harness, AT.harness - RAM_BASE);
  for (let at = AT.field; at < AT.slotsEnd; at += 2) view.setUint16(at - RAM_BASE, C_EBREAK, true);
  for (let i = 0; i < STUB_VECTORS; i++) view.setUint32(AT.supervisorStub - RAM_BASE + 4 * i, ECALL, true);
  for (let at = AT.data; at < AT.dataEnd; at++) image[at - RAM_BASE] = fill();
  writePageTables(view);
  view.setBigUint64(AT.variables - RAM_BASE, BigInt(AT.cases), true);
  view.setBigUint64(AT.variables - RAM_BASE + 8, BigInt(AT.records), true);
  view.setBigUint64(AT.variables - RAM_BASE + 16, BigInt(cases.length), true);
  const slots = new Slots();
  for (const [index, item] of cases.entries()) writeCase(view, AT.cases - RAM_BASE + index * CASE_BYTES, item, slots);
  return image;
}

/** Hands out places for code: 16 bytes each, or across the next page boundary. */
class Slots {
  private next: number = AT.slots;

  take(crossing: boolean): number {
    if (crossing) {
      const boundary = Math.ceil((this.next + 2) / PAGE_BYTES) * PAGE_BYTES;
      this.next = boundary + SLOT_BYTES;
      assert(this.next <= AT.slotsEnd, 'there is room for the code of all cases');
      return boundary - 2;
    }
    const at = this.next;
    this.next += SLOT_BYTES;
    assert(this.next <= AT.slotsEnd, 'there is room for the code of all cases');
    return at;
  }
}

function writeCase(view: DataView, at: number, item: OracleCase, slots: Slots): void {
  const place = item.place === 'jump' ? AT.jumpSlot : slots.take(item.place === 'crossing');
  const words: Partial<Record<CaseWord, bigint>> = {
    mstatus: 0n,
    stvec: BigInt(AT.supervisorStub),
    probe: BigInt(AT.data),
    ...item.words,
    pc: BigInt.asUintN(64, BigInt(place) + item.codeOffset),
    patch: 0n,
  };
  words.mstatus = (words.mstatus ?? 0n) | (BigInt(item.mode) << 11n);
  if (item.place === 'jump') {
    // The half word after a compressed jump is written too: it stays a breakpoint.
    const code = must(item.code[0], 'the jump');
    words.patch = BigInt(code.lengthBytes === 4 ? code.value : ((C_EBREAK << 16) | code.value) >>> 0);
    assert(item.code.length === 1 && words.patch !== 0n, 'a jump stands alone');
  } else {
    writeCode(view, place - RAM_BASE, item);
  }
  for (let i = 1; i < 32; i++) view.setBigUint64(at + (i - 1) * 8, item.registers[i] ?? 0n, true);
  for (const word of CASE_WORDS) view.setBigUint64(at + caseWordAt(word), words[word] ?? 0n, true);
}

function writeCode(view: DataView, start: number, item: OracleCase): void {
  let at = start;
  for (const { value, lengthBytes } of item.code) {
    view.setUint16(at, value & 0xffff, true);
    if (lengthBytes === 4) view.setUint16(at + 2, value >>> 16, true);
    at += lengthBytes;
  }
  assert(at + 2 <= start + SLOT_BYTES, 'the code fits its slot');
}

/** The record of case `index` in RAM that starts at `RAM_BASE`. */
export function readRecord(ram: Uint8Array, index: number): OracleRecord {
  const view = new DataView(ram.buffer, ram.byteOffset + AT.records - RAM_BASE + index * RECORD_BYTES, RECORD_BYTES);
  const registers = [0n, ...Array.from({ length: 31 }, (_, i) => view.getBigUint64(i * 8, true))];
  const words = Object.fromEntries(
    RECORD_WORDS.map((word) => [word, view.getBigUint64(recordWordAt(word), true)]),
  ) as Record<RecordWord, bigint>;
  return { registers, words };
}

/** Cases that the harness did not reach: not 0 means that it hung or lost control. */
export function casesLeft(ram: Uint8Array): number {
  return new DataView(ram.buffer, ram.byteOffset).getUint32(AT.variables - RAM_BASE + 16, true);
}
