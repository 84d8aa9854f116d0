/**
 * Predecoded code: one block of entries for each page of RAM that is executed, filled by the decoder as execution reaches it.
 * Blocks are a cache: dropping them changes no state and no cycle.
 */
import { assert } from '../assert.ts';
import { csrIndex } from './engine/csrs.ts';
import type { Engine } from './engine/engine.ts';
import { handlerOf, specialHandler } from './engine/handlers.ts';
import {
  BARE_TLBS,
  BLOCK,
  ENTRIES_PER_PAGE,
  ENTRY,
  HART,
  hartBase,
  PAGE_BYTES,
  PAGE_FLAG,
  RAM_BASE,
  TLB,
} from './engine/layout.ts';
import type { Decoded } from './isa/decode.ts';
import { decode, insnLength } from './isa/decode.ts';
import type { MachineConfig } from './machine-types.ts';

const UNDECODED = specialHandler('undecoded');
const NO_TAG_HALF = -1;

export class Predecoder {
  readonly #engine: Engine;
  readonly #config: MachineConfig;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  /** RAM page of each block. */
  readonly #pages: Int32Array;
  #used = 0;
  readonly #onHead: ((entryPointer: number) => void) | undefined;
  readonly #onReset: () => void;
  /** How often all blocks were dropped because there were too many. */
  resets = 0;

  /**
   * @param hooks told of entries that jumps lead to, and when all entries are dropped
   */
  constructor(
    engine: Engine,
    config: MachineConfig,
    hooks: { onHead?: (entryPointer: number) => void; onReset?: () => void } = {},
  ) {
    this.#onHead = hooks.onHead;
    this.#onReset = hooks.onReset ?? (() => {});
    this.#engine = engine;
    this.#config = config;
    this.#view = new DataView(engine.memory.buffer);
    this.#bytes = new Uint8Array(engine.memory.buffer);
    this.#words = new Int32Array(engine.memory.buffer);
    this.#pages = new Int32Array(engine.plan.blockCount);
  }

  /** Gives the RAM page that holds `ramOffset` a block. */
  allocate(ramOffset: number): void {
    const { plan } = this.#engine;
    if (this.#used === plan.blockCount) this.reset();
    const page = Math.floor(ramOffset / PAGE_BYTES);
    const index = this.#used++;
    const block = plan.blocks + index * BLOCK.bytes;
    this.#pages[index] = page;
    // Only what may be looked at: the entries of the page, and what stands around the straddling entry.
    if (this.resets > 0) this.#bytes.fill(0, block, block + BLOCK.bytes);
    const pageEnd = specialHandler('pageEnd');
    const afterShadow = BLOCK.shadow + BLOCK.sentinel;
    const afterPage = [BLOCK.sentinel, BLOCK.straddle + 2 * ENTRY.bytes, afterShadow];
    for (const place of [...afterPage, BLOCK.sentinel + ENTRY.bytes, afterShadow + ENTRY.bytes]) {
      this.#view.setUint16(block + place + ENTRY.handler, pageEnd, true);
    }
    this.#view.setInt32(plan.blockTable + page * 4, block, true);
    this.#bytes[plan.pageFlags + page] = (this.#bytes[plan.pageFlags + page] ?? 0) | PAGE_FLAG.code;
    this.dropFastWrites(page);
  }

  /** Decodes from an entry on, to the end of the straight line or of the page. */
  decodeAt(entryPointer: number): void {
    this.#decodeFrom(entryPointer);
    // The straddling entry has no place in the page, so that nothing can take it.
    if ((entryPointer - this.#engine.plan.blocks) % BLOCK.bytes === BLOCK.straddle) return;
    // Execution came here by a jump, or to the second half of a line that was decoded before: either way a place to begin.
    this.#onHead?.(entryPointer);
  }

  /** Decodes the instruction at an offset of a page that has a block, so that a write to it is seen as a change of code. */
  decodePlace(ramPage: number, offset: number): void {
    const block = this.#view.getInt32(this.#engine.plan.blockTable + (ramPage / PAGE_BYTES) * 4, true);
    const entry = block + (offset / 2) * ENTRY.bytes;
    if (this.#view.getUint16(entry + ENTRY.handler, true) === UNDECODED) this.#decodeFrom(entry);
  }

  /** Bytes of the page that an entry belongs to, its block, and the offset of its instruction in the page. */
  placeOf(entryPointer: number): { readonly page: DataView; readonly ramPage: number; readonly offset: number } {
    const { plan, memory } = this.#engine;
    const index = Math.floor((entryPointer - plan.blocks) / BLOCK.bytes);
    const ramPage = (this.#pages[index] ?? 0) * PAGE_BYTES;
    const place = entryPointer - plan.blocks - index * BLOCK.bytes;
    return {
      page: new DataView(memory.buffer, plan.ram + ramPage, PAGE_BYTES),
      ramPage,
      offset: ((place % BLOCK.sentinel) / ENTRY.bytes) * 2,
    };
  }

  #decodeFrom(entryPointer: number): void {
    const { plan } = this.#engine;
    const index = Math.floor((entryPointer - plan.blocks) / BLOCK.bytes);
    const block = plan.blocks + index * BLOCK.bytes;
    const place = entryPointer - block;
    if (place === BLOCK.straddle) {
      this.#write(entryPointer, this.#view.getInt32(block + BLOCK.straddleWord, true), true);
      return;
    }
    const pageBytes = plan.ram + (this.#pages[index] ?? 0) * PAGE_BYTES;
    let half = place / ENTRY.bytes;
    assert(Number.isInteger(half) && half < ENTRIES_PER_PAGE, `entry at ${place} of a block`);
    while (half < ENTRIES_PER_PAGE) {
      const entry = block + half * ENTRY.bytes;
      if (this.#view.getUint16(entry + ENTRY.handler, true) !== UNDECODED) return;
      const low = this.#view.getUint16(pageBytes + half * 2, true);
      const length = insnLength(low);
      if (length === 4 && half === ENTRIES_PER_PAGE - 1) {
        this.#view.setUint16(entry + ENTRY.handler, specialHandler('straddle'), true);
        return;
      }
      const word = length === 4 ? this.#view.getInt32(pageBytes + half * 2, true) : low;
      if (!this.#write(entry, word, false)) {
        this.#noteBackwardTarget(block, half, word);
        return;
      }
      this.#noteBackwardTarget(block, half, word);
      half += length / 2;
    }
  }

  /** The target of a backward branch or jump in the page is the head of a loop. */
  #noteBackwardTarget(block: number, half: number, word: number): void {
    if (!this.#onHead) return;
    const decoded = decode(word);
    if (!decoded || (decoded.insn.format !== 'B' && decoded.insn.format !== 'J')) return;
    const target = half + decoded.operands.imm / 2;
    if (decoded.operands.imm > 0 || target < 0) return;
    const entry = block + target * ENTRY.bytes;
    if (this.#view.getUint16(entry + ENTRY.handler, true) !== UNDECODED) this.#onHead(entry);
  }

  /** Writes one entry; false if straight-line execution ends with it. */
  #write(entry: number, word: number, straddles: boolean): boolean {
    const decoded = decode(word);
    const csr = decoded && usesCsr(decoded) ? csrIndex(decoded.operands.imm) : 0;
    if (!decoded || csr === undefined) {
      this.#view.setUint16(entry + ENTRY.handler, specialHandler('illegal'), true);
      this.#view.setInt32(entry + ENTRY.imm, word, true);
      return false;
    }
    const { insn, operands } = decoded;
    this.#bytes[entry + ENTRY.rs1] = operands.rs1 * 8;
    this.#bytes[entry + ENTRY.rd] = operands.rd === 0 ? 32 : operands.rd;
    this.#view.setInt32(entry + ENTRY.imm, immediateField(decoded, csr), true);
    this.#view.setUint16(entry + ENTRY.handler, handlerOf(decoded, straddles), true);
    return insn.name !== 'jal' && insn.name !== 'jalr';
  }

  /** No store to the page may pass by the check of its flags any more. @param page number of the page in RAM */
  dropFastWrites(page: number): void {
    const shifted = (page + RAM_BASE / PAGE_BYTES) << 4;
    for (let hart = 0; hart < this.#config.hartCount; hart++) {
      for (const entry of this.#tlbEntries(hart, HART.dataTlb)) {
        if ((((this.#words[entry + TLB.flags / 4] ?? 0) ^ shifted) & ~15) !== 0) continue;
        this.#words[entry + TLB.fastWrite / 4] = NO_TAG_HALF;
        this.#words[entry + TLB.fastWrite / 4 + 1] = NO_TAG_HALF;
      }
    }
  }

  /** Word indexes of the entries of a TLB, with and without translation. */
  *#tlbEntries(hart: number, tlb: number): Generator<number> {
    for (const base of [hartBase(hart) + tlb, hartBase(hart) + tlb + BARE_TLBS]) {
      for (let entry = 0; entry < this.#config.core.tlbEntries; entry++) yield (base + entry * TLB.entryBytes) / 4;
    }
  }

  /** Drops all blocks. Pages keep their modelled TLB entries; only the engine's shortcuts go. */
  reset(): void {
    const { plan } = this.#engine;
    this.#onReset();
    for (let index = 0; index < this.#used; index++) {
      const page = this.#pages[index] ?? 0;
      this.#view.setInt32(plan.blockTable + page * 4, 0, true);
      this.#bytes[plan.pageFlags + page] = (this.#bytes[plan.pageFlags + page] ?? 0) & ~PAGE_FLAG.code;
    }
    for (let hart = 0; hart < this.#config.hartCount; hart++) {
      for (const entry of this.#tlbEntries(hart, HART.fetchTlb)) {
        this.#words[entry + TLB.fastRead / 4] = NO_TAG_HALF;
        this.#words[entry + TLB.fastRead / 4 + 1] = NO_TAG_HALF;
      }
    }
    this.#used = 0;
    this.resets++;
  }
}

const usesCsr = ({ insn }: Decoded) => insn.extension === 'Zicsr';

/** The 32-bit field of an entry: see ENTRY. */
function immediateField({ insn, operands }: Decoded, csr: number): number {
  switch (insn.format) {
    case 'S':
    case 'B':
      return (operands.imm << 8) | (operands.rs2 * 8);
    case 'R':
    case 'Amo':
      return operands.rs2 * 8;
    case 'Csr':
    case 'CsrImm':
      return csr;
    default:
      return operands.imm;
  }
}
