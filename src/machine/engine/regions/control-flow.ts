/**
 * The control flow of a region: what can be reached from a hot entry without leaving its 4 KiB page, cut into blocks.
 *
 * A call inside the page is followed into the callee (a copy of it for each call site, to a small depth), so that its return
 * can go on in the region when it returns where the call says. What a region cannot hold ends it: system and CSR
 * instructions, an instruction that straddles the page's end, targets in other pages, indirect jumps.
 */
import { must } from '../../../assert.ts';
import type { Decoded } from '../../isa/decode.ts';
import { decode, insnLength } from '../../isa/decode.ts';
import { REGION_COUNTERS } from '../csrs.ts';
import { PAGE_BYTES } from '../layout.ts';

/** One instruction at its offset in the page. */
export interface PlacedInsn extends Decoded {
  readonly offset: number;
}

/** Where control goes: a block of the region, or out of it at an offset from the page's first byte (maybe in another page). */
export type Edge = { readonly block: number } | { readonly exit: number };

export type Terminator =
  /** Falls or jumps to one place. */
  | { readonly kind: 'goto'; readonly to: Edge }
  | { readonly kind: 'branch'; readonly taken: Edge; readonly next: Edge }
  /** `jalr`; `expected` is the return that an inlined call has prepared. */
  | { readonly kind: 'indirect'; readonly expected: { readonly offset: number; readonly to: Edge } | undefined };

export interface Block {
  /** Offset of the first instruction. */
  readonly start: number;
  readonly insns: readonly PlacedInsn[];
  readonly end: Terminator;
}

/** Limits: a region much longer than this compiles slowly and is rarely executed whole. */
const INSNS_MAX = 128;
const INLINE_DEPTH_MAX = 2;
const RA = 1;

/** Instructions that only the interpreter executes. */
const ENDS_REGION: ReadonlySet<string> = new Set(['Zicsr', 'Priv', 'Zifencei']);

/** Counters are read without leaving: `set` and `clear` with a zero rs1 field write nothing (Unprivileged ISA 6.1). */
const readsCounter = ({ insn, operands }: Decoded): boolean =>
  /^csrr[sc]i?$/.test(insn.name) && operands.rs1 === 0 && REGION_COUNTERS.has(operands.imm);

/** A chain of inlined calls: where the innermost returns to. Index 0 is the region's own level. */
interface Level {
  readonly returnTo: number;
  readonly parent: number;
  readonly depth: number;
}

/** A place is a level and an offset, as one number. */
const placeOf = (level: number, offset: number) => level * PAGE_BYTES + offset;
const offsetOf = (place: number) => place % PAGE_BYTES;
const levelOf = (place: number) => Math.floor(place / PAGE_BYTES);
const inPage = (offset: number) => offset >= 0 && offset < PAGE_BYTES;

/** The instructions of one page, decoded as they are asked for. */
export class PageCode {
  readonly #page: DataView;
  /** By half word of the page. */
  readonly #insns: (PlacedInsn | null | undefined)[] = new Array(PAGE_BYTES / 2);

  /** @param page the 4,096 bytes of the page */
  constructor(page: DataView) {
    this.#page = page;
  }

  /** The instruction at an offset; null if a region cannot hold it. */
  at(offset: number): PlacedInsn | null {
    const known = this.#insns[offset / 2];
    if (known !== undefined) return known;
    const insn = this.#decode(offset);
    this.#insns[offset / 2] = insn;
    return insn;
  }

  #decode(offset: number): PlacedInsn | null {
    const low = this.#page.getUint16(offset, true);
    const length = insnLength(low);
    if (offset + length > PAGE_BYTES) return null;
    const decoded = decode(length === 4 ? this.#page.getInt32(offset, true) : low);
    if (!decoded) return null;
    if (ENDS_REGION.has(decoded.insn.extension) && !readsCounter(decoded)) return null;
    if (decoded.insn.name === 'ecall' || decoded.insn.name === 'ebreak') return null;
    return { insn: decoded.insn, operands: decoded.operands, lengthBytes: decoded.lengthBytes, offset };
  }
}

/**
 * @param head offset of the hot entry
 * @returns blocks, the entry first; none if not even the first instruction can be in a region
 */
export function findBlocks(page: PageCode, head: number): readonly Block[] {
  return new Finder(page).find(head);
}

class Finder {
  readonly #page: PageCode;
  readonly #levels: Level[] = [{ returnTo: -1, parent: -1, depth: 0 }];
  readonly #calls = new Map<string, number>();
  readonly #insns = new Map<number, PlacedInsn>();
  readonly #leaders = new Set<number>();

  constructor(page: PageCode) {
    this.#page = page;
  }

  find(head: number): readonly Block[] {
    const open = [head];
    this.#leaders.add(head);
    while (open.length > 0 && this.#insns.size < INSNS_MAX) this.#follow(must(open.shift(), 'place'), open);
    const starts = [...this.#leaders].filter((place) => this.#insns.has(place));
    const numbers = new Map(starts.map((place, index) => [place, index]));
    return starts.map((place) => this.#cut(place, numbers));
  }

  /** Walks a straight line until it ends or meets a place already seen. */
  #follow(from: number, open: number[]): void {
    for (let place = from; this.#insns.size < INSNS_MAX; ) {
      if (this.#insns.has(place)) {
        this.#leaders.add(place);
        return;
      }
      const insn = this.#page.at(offsetOf(place));
      if (!insn) return;
      this.#insns.set(place, insn);
      const targets = this.#targets(place, insn);
      if (targets) {
        for (const target of targets) {
          this.#leaders.add(target);
          open.push(target);
        }
        return;
      }
      const next = insn.offset + insn.lengthBytes;
      if (!inPage(next)) return;
      place = placeOf(levelOf(place), next);
    }
  }

  /** Places that a jump or branch can lead to inside the region; undefined for an instruction that only falls through. */
  #targets(place: number, insn: PlacedInsn): number[] | undefined {
    const level = levelOf(place);
    const next = insn.offset + insn.lengthBytes;
    const target = insn.offset + insn.operands.imm;
    switch (insn.insn.name) {
      case 'jal': {
        const to = this.#callLevel(level, insn);
        return to !== undefined && inPage(target) ? [placeOf(to, target)] : [];
      }
      case 'jalr': {
        const expected = this.#expectedReturn(level, insn);
        return expected === undefined ? [] : [expected];
      }
      default:
        if (insn.insn.format !== 'B') return undefined;
        return [next, target].filter(inPage).map((offset) => placeOf(level, offset));
    }
  }

  /** The level that a `jal` continues in: its own for a plain jump, a new one for a call; undefined if it is not followed. */
  #callLevel(level: number, insn: PlacedInsn): number | undefined {
    if (insn.operands.rd === 0) return level;
    const caller = must(this.#levels[level], 'level');
    const returnTo = insn.offset + insn.lengthBytes;
    if (insn.operands.rd !== RA || caller.depth >= INLINE_DEPTH_MAX || !inPage(returnTo)) return undefined;
    const key = `${level}:${returnTo}`;
    const known = this.#calls.get(key);
    if (known !== undefined) return known;
    const created = this.#levels.push({ returnTo, parent: level, depth: caller.depth + 1 }) - 1;
    this.#calls.set(key, created);
    return created;
  }

  /** Where `ret` leads if the call that was inlined is the one that returns. */
  #expectedReturn(level: number, { operands }: PlacedInsn): number | undefined {
    const { parent, returnTo } = must(this.#levels[level], 'level');
    if (parent < 0 || operands.rd !== 0 || operands.rs1 !== RA || operands.imm !== 0) return undefined;
    return placeOf(parent, returnTo);
  }

  #cut(start: number, numbers: ReadonlyMap<number, number>): Block {
    const level = levelOf(start);
    const insns: PlacedInsn[] = [];
    const edge = (place: number, offset: number): Edge => {
      const block = numbers.get(place);
      return block === undefined ? { exit: offset } : { block };
    };
    const inLevel = (offset: number): Edge =>
      inPage(offset) ? edge(placeOf(level, offset), offset) : { exit: offset };
    const end = (terminator: Terminator): Block => ({ start: offsetOf(start), insns, end: terminator });
    for (let place = start; ; ) {
      const insn = this.#insns.get(place);
      if (!insn) return end({ kind: 'goto', to: { exit: offsetOf(place) } });
      insns.push(insn);
      const next = insn.offset + insn.lengthBytes;
      const target = insn.offset + insn.operands.imm;
      if (insn.insn.name === 'jal') {
        const to = this.#callLevel(level, insn);
        const followed = to !== undefined && inPage(target);
        return end({ kind: 'goto', to: followed ? edge(placeOf(to, target), target) : { exit: target } });
      }
      if (insn.insn.name === 'jalr') {
        const expected = this.#expectedReturn(level, insn);
        const offset = expected === undefined ? 0 : offsetOf(expected);
        return end({
          kind: 'indirect',
          expected: expected === undefined ? undefined : { offset, to: edge(expected, offset) },
        });
      }
      if (insn.insn.format === 'B') return end({ kind: 'branch', taken: inLevel(target), next: inLevel(next) });
      if (!inPage(next)) return end({ kind: 'goto', to: { exit: next } });
      place = placeOf(level, next);
      if (this.#leaders.has(place)) return end({ kind: 'goto', to: edge(place, next) });
    }
  }
}
