/**
 * Physical memory protection (Privileged ISA 3.7): writes to its registers with locks and legal values, and the ranges that
 * generated code compares with. 16 entries, granularity 4 KiB (G = 10): NA4 cannot be selected and reads back as off.
 */
import { must } from '../assert.ts';
import { HART, PAGE_BYTES } from './engine/layout.ts';
import type { EngineHart } from './hart-state.ts';

const ENTRY_COUNT = 16;
const RANGE_BYTES = 24;
const CONFIG = { R: 1, W: 2, X: 4, modeShift: 3, L: 0x80, legal: 0x9f } as const;
const MODE = { off: 0, tor: 1, na4: 2, napot: 3 } as const;
const ADDRESS_MASK = (1n << 54n) - 1n;

const modeOf = (config: number) => (config >> CONFIG.modeShift) & 3;
const configName = (entry: number) => (entry < 8 ? 'pmpcfg0' : 'pmpcfg2');

function configOf(hart: EngineHart, entry: number): number {
  return Number((hart.rawCsr(configName(entry)) >> BigInt((entry & 7) * 8)) & 0xffn);
}

/** Applies a write to `pmpcfg0`, `pmpcfg2` or a `pmpaddr` and computes the ranges anew. The caller flushes the TLBs. */
export function writePmp(hart: EngineHart, view: DataView, name: string, value: bigint): void {
  if (name.startsWith('pmpcfg')) writeConfigs(hart, name, value);
  else writeAddress(hart, Number(name.slice('pmpaddr'.length)), value);
  updateRanges(hart, view);
}

function writeConfigs(hart: EngineHart, name: string, value: bigint): void {
  const first = name === 'pmpcfg0' ? 0 : 8;
  let packed = 0n;
  for (let index = 0; index < 8; index++) {
    const old = configOf(hart, first + index);
    const next = (old & CONFIG.L) !== 0 ? old : legalConfig(Number((value >> BigInt(index * 8)) & 0xffn));
    packed |= BigInt(next) << BigInt(index * 8);
  }
  hart.setRawCsr(name, packed);
}

function legalConfig(wanted: number): number {
  let config = wanted & CONFIG.legal;
  // W without R is reserved (3.7.1).
  if ((config & (CONFIG.R | CONFIG.W)) === CONFIG.W) config &= ~CONFIG.W;
  if (modeOf(config) === MODE.na4) config &= ~(3 << CONFIG.modeShift);
  return config;
}

function writeAddress(hart: EngineHart, entry: number, value: bigint): void {
  if ((configOf(hart, entry) & CONFIG.L) !== 0) return;
  // A locked TOR entry locks the address below it too (3.7.1.2).
  if (entry + 1 < ENTRY_COUNT) {
    const above = configOf(hart, entry + 1);
    if ((above & CONFIG.L) !== 0 && modeOf(above) === MODE.tor) return;
  }
  hart.setRawCsr(`pmpaddr${entry}`, value & ADDRESS_MASK);
}

function updateRanges(hart: EngineHart, view: DataView): void {
  const page = BigInt(PAGE_BYTES);
  const address = (entry: number) => hart.rawCsr(`pmpaddr${entry}`);
  for (let entry = 0; entry < ENTRY_COUNT; entry++) {
    const config = configOf(hart, entry);
    let [first, end] = [0n, 0n];
    if (modeOf(config) === MODE.tor) {
      first = entry === 0 ? 0n : ((address(entry - 1) << 2n) / page) * page;
      end = ((address(entry) << 2n) / page) * page;
    } else if (modeOf(config) === MODE.napot) {
      // The low nine bits read as ones; the zero above them ends the run that gives the size.
      const value = address(entry) | 0x1ffn;
      const size = ((value ^ (value + 1n)) + 1n) << 2n;
      first = (value << 2n) & ~(size - 1n);
      end = first + size;
    }
    const at = hart.base + HART.pmp + entry * RANGE_BYTES;
    view.setBigUint64(at, first, true);
    view.setBigUint64(at + 8, end, true);
    view.setUint32(at + 16, config, true);
  }
  hart.set32('pmpOpen', letsAllPass(hart, view) ? 1 : 0);
  const locked = Array.from({ length: ENTRY_COUNT }, (_, entry) => configOf(hart, entry) & CONFIG.L);
  hart.set32('pmpMachineOpen', locked.every((bit) => bit === 0) ? 1 : 0);
}

/** Whether the first entry that is on allows everything everywhere: then S and U need no check. */
function letsAllPass(hart: EngineHart, view: DataView): boolean {
  for (let entry = 0; entry < ENTRY_COUNT; entry++) {
    const at = hart.base + HART.pmp + entry * RANGE_BYTES;
    const end = must(view.getBigUint64(at + 8, true), 'range');
    if (end === 0n) continue;
    const all = CONFIG.R | CONFIG.W | CONFIG.X;
    return view.getBigUint64(at, true) === 0n && end >= 1n << 56n && (view.getUint32(at + 16, true) & all) === all;
  }
  return false;
}
