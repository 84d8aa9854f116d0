/**
 * Predecoded code: one block of entries for each page of RAM that is executed, filled by the decoder as execution reaches it.
 * Blocks are a cache: dropping them changes no state and no cycle.
 */
import { assert } from '../assert.ts';
import { csrIndex } from './engine/csrs.ts';
import type { Engine } from './engine/engine.ts';
import { handlerOf, insnOfHandler, specialHandler } from './engine/handlers.ts';
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
const ILLEGAL = specialHandler('illegal');
const STRADDLE = specialHandler('straddle');
const NO_TAG_HALF = -1;

/** Who wants to know where a region may begin. */
export interface HeadObserver {
  /** Jumps lead to this entry. @param index of its half word in all blocks, in the order of blocks */
  addHead(entryPointer: number, index: number): void;
  /** All entries are dropped. */
  reset(): void;
}

export class Predecoder {
  readonly #engine: Engine;
  readonly #config: MachineConfig;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  /** Entries, code and tables as the half words and words they are made of: several times as fast as a DataView while it is cold. */
  readonly #halves: Uint16Array;
  readonly #words: Int32Array;
  /** RAM page of each block. */
  readonly #pages: Int32Array;
  #used = 0;
  readonly #heads: HeadObserver | undefined;
  /** How often all blocks were dropped because there were too many. */
  resets = 0;

  constructor(engine: Engine, config: MachineConfig, heads?: HeadObserver) {
    this.#heads = heads;
    this.#engine = engine;
    this.#config = config;
    this.#view = new DataView(engine.memory.buffer);
    this.#bytes = new Uint8Array(engine.memory.buffer);
    this.#halves = new Uint16Array(engine.memory.buffer);
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
    const { blocks, pageGenerations } = this.#engine.plan;
    const index = Math.floor((entryPointer - blocks) / BLOCK.bytes);
    const place = entryPointer - blocks - index * BLOCK.bytes;
    this.#decodeFrom(entryPointer, index, place);
    // The straddling entry has no place in the page, so that nothing can take it.
    if (this.#heads === undefined || place === BLOCK.straddle) return;
    // What stands in a line that is decoded around it has been rewritten and was fallen into.
    const generation = this.#words[pageGenerations / 4 + (this.#pages[index] ?? 0)];
    if (generation !== 0 && this.#isFallenInto(entryPointer, place)) return;
    this.#heads.addHead(entryPointer, index * ENTRIES_PER_PAGE + place / ENTRY.bytes);
  }

  /** Whether the instruction before an entry is decoded and goes on to it: straight lines are decoded to their ends. */
  #isFallenInto(entryPointer: number, place: number): boolean {
    return this.#goesOnTo(entryPointer, place, 2) || this.#goesOnTo(entryPointer, place, 4);
  }

  #goesOnTo(entryPointer: number, place: number, lengthBytes: number): boolean {
    const before = (lengthBytes / 2) * ENTRY.bytes;
    if (place < before) return false;
    const insn = insnOfHandler(this.#halves[(entryPointer - before + ENTRY.handler) / 2] ?? 0);
    return insn?.lengthBytes === lengthBytes && insn.insn.name !== 'jal' && insn.insn.name !== 'jalr';
  }

  /** Decodes an entry if it is not, so that a write to its instruction is seen as a change of code. */
  decodeEntry(entryPointer: number): void {
    if (this.#halves[(entryPointer + ENTRY.handler) / 2] !== UNDECODED) return;
    const { blocks } = this.#engine.plan;
    const index = Math.floor((entryPointer - blocks) / BLOCK.bytes);
    this.#decodeFrom(entryPointer, index, entryPointer - blocks - index * BLOCK.bytes);
  }

  /** The block of a page of RAM that has one. */
  blockOf(ramPage: number): number {
    return this.#words[this.#engine.plan.blockTable / 4 + ramPage / PAGE_BYTES] ?? 0;
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

  /** @param index of the block @param place offset in the block */
  #decodeFrom(entryPointer: number, index: number, place: number): void {
    const { plan } = this.#engine;
    const block = entryPointer - place;
    if (place === BLOCK.straddle) {
      this.#write(entryPointer, this.#view.getInt32(block + BLOCK.straddleWord, true), true);
      return;
    }
    const pageBytes = plan.ram + (this.#pages[index] ?? 0) * PAGE_BYTES;
    let half = place / ENTRY.bytes;
    assert(Number.isInteger(half) && half < ENTRIES_PER_PAGE, 'an entry of a block');
    for (; half < ENTRIES_PER_PAGE; ) {
      const entry = block + half * ENTRY.bytes;
      if (this.#halves[(entry + ENTRY.handler) / 2] !== UNDECODED) return;
      const low = this.#halves[pageBytes / 2 + half] ?? 0;
      const length = insnLength(low);
      if (length === 4 && half === ENTRIES_PER_PAGE - 1) {
        this.#halves[(entry + ENTRY.handler) / 2] = STRADDLE;
        return;
      }
      const word = length === 4 ? low | ((this.#halves[pageBytes / 2 + half + 1] ?? 0) << 16) : low;
      const decoded = this.#write(entry, word, false);
      if (decoded === undefined) return;
      const { insn, operands } = decoded;
      if (operands.imm <= 0 && (insn.format === 'B' || insn.format === 'J')) {
        this.#noteBackwardTarget(block, index, half + operands.imm / 2);
      }
      if (insn.name === 'jal' || insn.name === 'jalr') return;
      half += length / 2;
    }
  }

  /** The target of a backward branch or jump in the page is the head of a loop. @param half its half word, maybe before the page */
  #noteBackwardTarget(block: number, index: number, half: number): void {
    if (this.#heads === undefined || half < 0) return;
    const entry = block + half * ENTRY.bytes;
    if (this.#halves[(entry + ENTRY.handler) / 2] === UNDECODED) return;
    this.#heads.addHead(entry, index * ENTRIES_PER_PAGE + half);
  }

  /** Writes one entry and gives what it was decoded to; undefined if that is no instruction. */
  #write(entry: number, word: number, straddles: boolean): Decoded | undefined {
    const decoded = decode(word);
    const csr = decoded && usesCsr(decoded) ? csrIndex(decoded.operands.imm) : 0;
    if (!decoded || csr === undefined) {
      this.#halves[(entry + ENTRY.handler) / 2] = ILLEGAL;
      this.#words[(entry + ENTRY.imm) / 4] = word;
      return undefined;
    }
    const { operands } = decoded;
    const rd = operands.rd === 0 ? 32 : operands.rd;
    this.#words[entry / 4] = handlerOf(decoded, straddles) | (operands.rs1 << 19) | (rd << 24);
    this.#words[(entry + ENTRY.imm) / 4] = immediateField(decoded, csr);
    return decoded;
  }

  /** No store to the page may pass by the check of its flags any more. @param page number of the page in RAM */
  dropFastWrites(page: number): void {
    for (let hart = 0; hart < this.#config.hartCount; hart++) {
      const tlb = hartBase(hart) + HART.dataTlb;
      this.#dropFastWritesOf(tlb, page);
      this.#dropFastWritesOf(tlb + BARE_TLBS, page);
    }
  }

  /** For each page of code, so much code spends milliseconds here: a plain loop takes a tenth of what an iterator does. */
  #dropFastWritesOf(tlb: number, page: number): void {
    const words = this.#words;
    const shifted = (page + RAM_BASE / PAGE_BYTES) << 4;
    const end = (tlb + this.#config.core.tlbEntries * TLB.entryBytes) / 4;
    for (let entry = tlb / 4; entry < end; entry += TLB.entryBytes / 4) {
      if ((((words[entry + TLB.flags / 4] ?? 0) ^ shifted) & ~15) !== 0) continue;
      words[entry + TLB.fastWrite / 4] = NO_TAG_HALF;
      words[entry + TLB.fastWrite / 4 + 1] = NO_TAG_HALF;
    }
  }

  /** Drops all blocks. Pages keep their modelled TLB entries; only the engine's shortcuts go. */
  reset(): void {
    const { plan } = this.#engine;
    this.#heads?.reset();
    for (let index = 0; index < this.#used; index++) {
      const page = this.#pages[index] ?? 0;
      this.#view.setInt32(plan.blockTable + page * 4, 0, true);
      this.#bytes[plan.pageFlags + page] = (this.#bytes[plan.pageFlags + page] ?? 0) & ~PAGE_FLAG.code;
    }
    for (let hart = 0; hart < this.#config.hartCount; hart++) {
      const tlb = hartBase(hart) + HART.fetchTlb;
      this.#dropFastReadsOf(tlb);
      this.#dropFastReadsOf(tlb + BARE_TLBS);
    }
    this.#used = 0;
    this.resets++;
  }

  #dropFastReadsOf(tlb: number): void {
    const end = (tlb + this.#config.core.tlbEntries * TLB.entryBytes) / 4;
    for (let entry = tlb / 4; entry < end; entry += TLB.entryBytes / 4) {
      this.#words[entry + TLB.fastRead / 4] = NO_TAG_HALF;
      this.#words[entry + TLB.fastRead / 4 + 1] = NO_TAG_HALF;
    }
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
