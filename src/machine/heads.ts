/**
 * Heads: the places where a region may begin, which are those that jumps lead to. Where one may be worth a region, its entry is a probe
 * that counts how often it is reached; a region takes the place of an entry in the same way.
 *
 * A probe costs the interpreter a step, so that code of which each head has one runs a tenth slower. Heads that are only noted cost
 * nothing: they get probes when a sample of where the guest is finds it shortly behind them.
 */
import { must } from '../assert.ts';
import type { Engine } from './engine/engine.ts';
import { handlerOf, insnOfHandler, SPECIAL_HANDLERS, specialHandler } from './engine/handlers.ts';
import { BLOCK, ENTRIES_PER_PAGE, ENTRY, PROBE, REGION, REGION_COUNT_MAX } from './engine/layout.ts';
import type { Predecoder } from './predecoder.ts';

const PROBE_HANDLER = specialHandler('probe');
/** Half words before a sampled instruction in which heads get probes: about as long as a region is. */
const WINDOW = 128;
/** So many at most, the nearest. */
const PROBES_MAX = 4;
/** What is known of a half word of code: jumps lead to it; it is a head that waits for its region; it is in a region. */
const MARK = { head: 1, waiting: 2, covered: 4 } as const;

export class Heads {
  readonly #engine: Engine;
  readonly #view: DataView;
  readonly #predecoder: () => Predecoder;
  /** Record of each head that has had a probe, by its entry. */
  readonly #records = new Map<number, number>();
  /** By block and half word. */
  readonly #marks: Uint8Array;
  /** By block: generation of its page to which the marks of covered instructions belong. */
  readonly #coveredAt: Int32Array;

  constructor(engine: Engine, predecoder: () => Predecoder) {
    this.#engine = engine;
    this.#view = new DataView(engine.memory.buffer);
    this.#predecoder = predecoder;
    this.#marks = new Uint8Array(engine.plan.blockCount * ENTRIES_PER_PAGE);
    this.#coveredAt = new Int32Array(engine.plan.blockCount);
  }

  /** Whether no more heads can have probes. */
  get isFull(): boolean {
    return this.#records.size === REGION_COUNT_MAX;
  }

  /** Jumps lead to an entry. @param index of its half word in all blocks */
  note(index: number): void {
    this.#marks[index] = (this.#marks[index] ?? 0) | MARK.head;
  }

  /** Whether a head waits for its region: it gets no probe meanwhile. */
  isWaiting(entryPointer: number): boolean {
    return this.#has(this.#indexOf(entryPointer), MARK.waiting);
  }

  setWaiting(entryPointer: number, isWaiting: boolean): void {
    this.#mark(entryPointer, MARK.waiting, isWaiting);
  }

  /** Instructions of a page that are in a region. @param block of the page @param generation of the page */
  cover(block: number, offsets: Uint16Array, generation: number): void {
    const number = this.#blockOf(block);
    const first = number * ENTRIES_PER_PAGE;
    if (this.#coveredAt[number] !== generation) {
      for (let index = first; index < first + ENTRIES_PER_PAGE; index++) this.#clear(index, MARK.covered);
      this.#coveredAt[number] = generation;
    }
    for (const offset of offsets) this.#set(first + offset / 2, MARK.covered);
  }

  /** Whether an instruction is in a region. @param entryPointer its entry or the shadow of that @param generation of its page now */
  isCovered(entryPointer: number, generation: number): boolean {
    const { number, half } = this.#placeOf(entryPointer);
    return this.#coveredAt[number] === generation && this.#has(number * ENTRIES_PER_PAGE + half, MARK.covered);
  }

  /** Puts probes on the heads from which the guest may have come to an instruction. @param entryPointer its entry or the shadow of that */
  probeBefore(entryPointer: number): void {
    const { number, half } = this.#placeOf(entryPointer);
    const block = this.#engine.plan.blocks + number * BLOCK.bytes;
    let left = PROBES_MAX;
    for (let at = half; at >= 0 && at > half - WINDOW && left > 0; at--) {
      const mark = this.#marks[number * ENTRIES_PER_PAGE + at] ?? 0;
      if ((mark & MARK.head) === 0) continue;
      if ((mark & MARK.waiting) === 0) this.probe(block + at * ENTRY.bytes);
      left--;
    }
  }

  /** Puts a probe on a decoded entry, which moves to the shadow of its place. Nothing for one that is a probe or region. */
  probe(entryPointer: number): void {
    const known = this.#records.get(entryPointer);
    if (known === undefined && this.isFull) return;
    if (!this.makeRoom(entryPointer)) return;
    const record = known ?? this.#engine.plan.regions + this.#records.size * REGION.bytes;
    if (known === undefined) this.#view.setInt32(record + REGION.restart, 0, true);
    this.#records.set(entryPointer, record);
    this.countAgain(record);
    this.#view.setInt32(entryPointer + ENTRY.imm, record, true);
    this.#view.setUint16(entryPointer + PROBE.arrivals, 0, true);
    this.#view.setUint16(entryPointer + ENTRY.handler, PROBE_HANDLER, true);
  }

  /** Moves a decoded instruction to the shadow of its place. False if there is none that can move. */
  makeRoom(entryPointer: number): boolean {
    const handler = this.#view.getUint16(entryPointer + ENTRY.handler, true);
    if (handler < SPECIAL_HANDLERS.length) return false;
    const { insn, lengthBytes } = must(insnOfHandler(handler), 'handler of a head');
    const isJump = insn.format === 'J' || insn.format === 'B';
    // From the shadow an in-page target cannot be found by arithmetic on places, and short forms have no other way.
    if (isJump && lengthBytes === 2) return false;
    const shadow = entryPointer + BLOCK.shadow;
    this.#view.setInt32(shadow, this.#view.getInt32(entryPointer, true), true);
    this.#view.setInt32(shadow + ENTRY.imm, this.#view.getInt32(entryPointer + ENTRY.imm, true), true);
    if (isJump) {
      const operands = { rd: 0, rs1: 0, rs2: 0, imm: 0 };
      this.#view.setUint16(shadow + ENTRY.handler, handlerOf({ insn, operands, lengthBytes }, true), true);
    }
    return true;
  }

  /** Puts the instruction of a probe back in its place: the head counts no more. */
  unprobe(entryPointer: number): void {
    if (!this.isProbe(entryPointer)) return;
    this.#view.setUint16(entryPointer + ENTRY.handler, specialHandler('undecoded'), true);
    this.#view.setInt32(entryPointer + BLOCK.shadow, 0, true);
    this.#view.setInt32(entryPointer + BLOCK.shadow + ENTRY.imm, 0, true);
    this.#predecoder().decodeEntry(entryPointer);
  }

  isProbe(entryPointer: number): boolean {
    return this.#view.getUint16(entryPointer + ENTRY.handler, true) === PROBE_HANDLER;
  }

  /** Whether an entry is that of an instruction. */
  isDecoded(entryPointer: number): boolean {
    return this.#view.getUint16(entryPointer + ENTRY.handler, true) >= SPECIAL_HANDLERS.length;
  }

  /** The head counts from where it began. */
  countAgain(record: number): void {
    this.#view.setInt32(record + REGION.count, this.#view.getInt32(record + REGION.restart, true), true);
  }

  /** The predecoded blocks that held the heads are dropped. */
  reset(): void {
    this.#records.clear();
    this.#marks.fill(0);
  }

  #placeOf(entryPointer: number): { readonly number: number; readonly half: number } {
    const offset = entryPointer - this.#engine.plan.blocks;
    const number = this.#blockOf(entryPointer);
    return { number, half: ((offset - number * BLOCK.bytes) % BLOCK.sentinel) / ENTRY.bytes };
  }

  #blockOf(entryPointer: number): number {
    return Math.floor((entryPointer - this.#engine.plan.blocks) / BLOCK.bytes);
  }

  #indexOf(entryPointer: number): number {
    const { number, half } = this.#placeOf(entryPointer);
    return number * ENTRIES_PER_PAGE + half;
  }

  #has(index: number, mark: number): boolean {
    return ((this.#marks[index] ?? 0) & mark) !== 0;
  }

  #mark(entryPointer: number, mark: number, isSet: boolean): void {
    if (isSet) this.#set(this.#indexOf(entryPointer), mark);
    else this.#clear(this.#indexOf(entryPointer), mark);
  }

  #set(index: number, mark: number): void {
    this.#marks[index] = (this.#marks[index] ?? 0) | mark;
  }

  #clear(index: number, mark: number): void {
    this.#marks[index] = (this.#marks[index] ?? 0) & ~mark;
  }
}
