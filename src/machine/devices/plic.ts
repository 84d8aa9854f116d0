/**
 * The platform-level interrupt controller (RISC-V PLIC specification 1.0.0) with the register map of SiFive's, as QEMU's `virt`
 * board has it: 95 level-triggered sources, 7 priorities, two contexts per hart.
 *
 * Where QEMU 7.2 and the specification differ, this follows the specification: a request stays pending when its line falls
 * before it is claimed ("Interrupt Gateways"), a line that is still high at completion is pending again (same place), and a
 * claim does not look at the threshold ("Interrupt Claim Process").
 * Registers are 32 bits wide: narrower accesses reach none, as on QEMU's board.
 */

import { assert, must } from '../../assert.ts';
import { type InterruptPins, IRQ, type IrqLine, type MmioDevice } from '../bus.ts';
import { HART_COUNT_MAX, MEMORY_MAP, PLIC_SOURCE_COUNT } from '../platform/memory-map.ts';
import { type StateSink, writeNumbers } from '../state-sink.ts';

/** Register offsets and strides (PLIC 1.0.0, "Memory Map"). */
export const PLIC = {
  priority: 0x0000,
  pending: 0x1000,
  enable: 0x2000,
  enableStride: 0x80,
  context: 0x20_0000,
  contextStride: 0x1000,
  /** Offsets inside a context. */
  threshold: 0,
  claim: 4,
} as const;

/** Largest priority: three WARL bits, as on QEMU's board. */
const PRIORITY_MASK = 7;

const SOURCE_WORDS = PLIC_SOURCE_COUNT / 32;

type Register =
  | { readonly kind: 'priority'; readonly source: number }
  | { readonly kind: 'pending'; readonly word: number }
  | { readonly kind: 'enable'; readonly context: number; readonly word: number }
  | { readonly kind: 'threshold'; readonly context: number }
  | { readonly kind: 'claim'; readonly context: number };

export class Plic implements MmioDevice {
  readonly name = 'plic';
  readonly base = MEMORY_MAP.plic.base;
  readonly sizeBytes = MEMORY_MAP.plic.sizeBytes;

  /** Names by offset, as they are asked for: each access of a guest asks. */
  readonly #names = new Map<number, string>();
  readonly #pins: InterruptPins;
  readonly #contextCount: number;
  readonly #priority = new Uint8Array(PLIC_SOURCE_COUNT);
  /** One bit per source, in words as the guest reads them. */
  readonly #pending = new Uint32Array(SOURCE_WORDS);
  readonly #levels = new Uint32Array(SOURCE_WORDS);
  /** Gateways that wait for a completion ("Interrupt Gateways"): requests of these sources are held back. */
  readonly #claimed = new Uint32Array(SOURCE_WORDS);
  readonly #enable: Uint32Array;
  readonly #threshold: Uint8Array;

  constructor(pins: InterruptPins) {
    assert(pins.hartCount >= 1 && pins.hartCount <= HART_COUNT_MAX, `PLIC for ${pins.hartCount} harts`);
    this.#pins = pins;
    this.#contextCount = 2 * pins.hartCount;
    this.#enable = new Uint32Array(this.#contextCount * SOURCE_WORDS);
    this.#threshold = new Uint8Array(this.#contextCount);
  }

  /** The input of a source from 1 to 95. */
  line(source: number): IrqLine {
    assert(Number.isInteger(source) && source >= 1 && source < PLIC_SOURCE_COUNT, `PLIC source ${source}`);
    return { set: (level) => this.#setLevel(source, level) };
  }

  read(offset: number, size: 1 | 2 | 4): number {
    const register = size === 4 ? this.#decode(offset) : undefined;
    switch (register?.kind) {
      case 'priority':
        return this.#priority[register.source] ?? 0;
      case 'pending':
        return this.#pending[register.word] ?? 0;
      case 'enable':
        return this.#enable[register.context * SOURCE_WORDS + register.word] ?? 0;
      case 'threshold':
        return this.#threshold[register.context] ?? 0;
      case 'claim':
        return this.#claim(register.context);
      default:
        return 0;
    }
  }

  write(offset: number, size: 1 | 2 | 4, value: number): void {
    const register = size === 4 ? this.#decode(offset) : undefined;
    switch (register?.kind) {
      case 'priority':
        // Source 0 does not exist ("Memory Map").
        if (register.source !== 0) this.#priority[register.source] = value & PRIORITY_MASK;
        break;
      case 'enable':
        // Bit 0 of word 0 is hardwired to zero: there is no source 0 ("Interrupt Enables").
        this.#enable[register.context * SOURCE_WORDS + register.word] = register.word === 0 ? value & ~1 : value;
        break;
      case 'threshold':
        this.#threshold[register.context] = value & PRIORITY_MASK;
        break;
      case 'claim':
        this.#complete(register.context, value);
        break;
    }
    if (register !== undefined && register.kind !== 'pending') this.#drive();
  }

  registerName(offset: number): string | undefined {
    const known = this.#names.get(offset);
    if (known !== undefined) return known;
    const name = this.#nameOf(offset & ~3);
    if (name !== undefined) this.#names.set(offset, name);
    return name;
  }

  #nameOf(offset: number): string | undefined {
    const register = this.#decode(offset);
    switch (register?.kind) {
      case 'priority':
        return `priority[${register.source}]`;
      case 'pending':
        return `pending[${register.word}]`;
      case 'enable':
        return `enable[${register.context}][${register.word}]`;
      case 'threshold':
      case 'claim':
        return `${register.kind}[${register.context}]`;
      default:
        return undefined;
    }
  }

  writeState(sink: StateSink): void {
    sink.value('priority', this.#priority);
    writeNumbers(sink, 'pending', this.#pending);
    writeNumbers(sink, 'levels', this.#levels);
    writeNumbers(sink, 'claimed', this.#claimed);
    writeNumbers(sink, 'enable', this.#enable);
    sink.value('threshold', this.#threshold);
  }

  #decode(offset: number): Register | undefined {
    if (offset % 4 !== 0) return undefined;
    if (offset < PLIC.pending) {
      const source = (offset - PLIC.priority) / 4;
      return source < PLIC_SOURCE_COUNT ? { kind: 'priority', source } : undefined;
    }
    if (offset < PLIC.enable) {
      const word = (offset - PLIC.pending) / 4;
      return word < SOURCE_WORDS ? { kind: 'pending', word } : undefined;
    }
    if (offset < PLIC.context) {
      const context = Math.floor((offset - PLIC.enable) / PLIC.enableStride);
      const word = ((offset - PLIC.enable) % PLIC.enableStride) / 4;
      return context < this.#contextCount && word < SOURCE_WORDS ? { kind: 'enable', context, word } : undefined;
    }
    const context = Math.floor((offset - PLIC.context) / PLIC.contextStride);
    if (context >= this.#contextCount) return undefined;
    const inContext = (offset - PLIC.context) % PLIC.contextStride;
    if (inContext === PLIC.threshold) return { kind: 'threshold', context };
    if (inContext === PLIC.claim) return { kind: 'claim', context };
    return undefined;
  }

  #setLevel(source: number, level: boolean): void {
    if (bit(this.#levels, source) === level) return;
    setBit(this.#levels, source, level);
    if (level) {
      this.#request(source);
      this.#drive();
    }
  }

  /** The gateway of a source whose line is high forwards one request and no other before its completion ("Interrupt Gateways"). */
  #request(source: number): void {
    if (!bit(this.#claimed, source)) setBit(this.#pending, source, true);
  }

  #claim(context: number): number {
    const source = this.#highest(context, 0);
    if (source === 0) return 0;
    setBit(this.#pending, source, false);
    setBit(this.#claimed, source, true);
    this.#drive();
    return source;
  }

  /** A completion for a source that is not enabled for the context is ignored ("Interrupt Completion"). */
  #complete(context: number, source: number): void {
    if (source === 0 || source >= PLIC_SOURCE_COUNT || !this.#isEnabled(context, source)) return;
    setBit(this.#claimed, source, false);
    if (bit(this.#levels, source)) this.#request(source);
  }

  #isEnabled(context: number, source: number): boolean {
    const word = must(this.#enable[context * SOURCE_WORDS + (source >>> 5)], 'enable word');
    return ((word >>> (source & 31)) & 1) !== 0;
  }

  /**
   * The pending, enabled source of the highest priority above `threshold`, the lowest number among equals
   * ("Interrupt Priorities"); 0 if none.
   * Priority 0 never interrupts, so a claim uses threshold 0.
   */
  #highest(context: number, threshold: number): number {
    let best = 0;
    let bestPriority = threshold;
    for (let word = 0; word < SOURCE_WORDS; word++) {
      let candidates = must(this.#pending[word], 'pending word') & (this.#enable[context * SOURCE_WORDS + word] ?? 0);
      while (candidates !== 0) {
        const lowest = 31 - Math.clz32(candidates & -candidates);
        candidates &= candidates - 1;
        const source = 32 * word + lowest;
        const priority = must(this.#priority[source], 'source priority');
        if (priority > bestPriority) {
          best = source;
          bestPriority = priority;
        }
      }
    }
    return best;
  }

  /** A context's wire is high while some enabled source is pending above its threshold ("Priority Thresholds"). */
  #drive(): void {
    for (let context = 0; context < this.#contextCount; context++) {
      const level = this.#highest(context, must(this.#threshold[context], 'threshold')) !== 0;
      this.#pins.setPending(context >>> 1, context % 2 === 0 ? IRQ.MEIP : IRQ.SEIP, level);
    }
  }
}

function bit(words: Uint32Array, index: number): boolean {
  return ((must(words[index >>> 5], 'bit in range') >>> (index & 31)) & 1) !== 0;
}

function setBit(words: Uint32Array, index: number, level: boolean): void {
  const word = must(words[index >>> 5], 'bit in range');
  const mask = 1 << (index & 31);
  words[index >>> 5] = level ? word | mask : word & ~mask;
}
