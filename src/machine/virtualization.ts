/** The host's side of virtualized harts, on the engine: roots, stops, and what is done for a guest that may not do it itself. */
import { assert, must } from '../assert.ts';
import { CSR_ACTION } from './engine/csrs.ts';
import type { Engine, VirtualExports } from './engine/engine.ts';
import { INSN_HANDLERS, SPECIAL_HANDLERS } from './engine/handlers.ts';
import { ENTRY, HART, PAGE_BYTES, RAM_BASE } from './engine/layout.ts';
import { ACCESS_KIND } from './engine/memory-access.ts';
import { TABLE_ACCESS } from './engine/second-stage.ts';
import { CAUSE } from './engine/stops.ts';
import type { EngineHart } from './hart-state.ts';
import type { MachineClock } from './machine-clock.ts';
import type { MachineConfig } from './machine-types.ts';
import type {
  AccessType,
  CsrOutcome,
  GuestTrap,
  SecondStageFault,
  TableMode,
  Virtualization,
  VirtualizationKind,
} from './virtualization-types.ts';
import { ACCESS_TYPE, CSR_OUTCOME, TABLE_MODE, TLB_SPACE_COUNT, VIRTUALIZATION } from './virtualization-types.ts';

export interface VirtualizationOptions {
  readonly engine: Engine;
  readonly config: MachineConfig;
  readonly clock: MachineClock;
  readonly hartOf: (id: number) => EngineHart;
  /** The hart that stopped last. */
  readonly stopped: () => EngineHart;
  /**
   * Makes a load or store that has trapped the access that is pending; false if no device is there.
   * @param kind see {@link ACCESS_KIND}
   * @param handler number of the instruction's handler
   * @param register destination of a load (32 for x0); source of a store
   */
  readonly beginAccess: (hart: EngineHart, gpa: number, kind: number, handler: number, register: number) => boolean;
}

/** Sv39x4 in `hgatp`. */
const HGATP_MODE = 8n;
const ROOT_BYTES = 4 * PAGE_BYTES;
const COUNTERS = 7;

export class EngineVirtualization implements Virtualization {
  readonly guestTrap: GuestTrap;
  readonly secondStageFault: SecondStageFault;
  readonly #options: VirtualizationOptions;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #systemCycles: number;
  /** By handler number: cycles that the instruction takes. */
  readonly #cycles: Uint8Array;
  readonly #csrActions: readonly (CsrAction | undefined)[];

  constructor(options: VirtualizationOptions) {
    this.#options = options;
    const view = new DataView(options.engine.memory.buffer);
    this.#view = view;
    this.#bytes = new Uint8Array(options.engine.memory.buffer);
    const { cycles } = options.config.core;
    this.#systemCycles = cycles.system;
    const rows = [...SPECIAL_HANDLERS.map(() => undefined), ...INSN_HANDLERS];
    this.#cycles = Uint8Array.from(rows, (row) => (row === undefined ? cycles.system : cycles[row.insn.cycles]));
    this.#csrActions = rows.map((row) => row && CSR_INSNS[row.insn.name]);
    const base = () => options.stopped().base;
    this.guestTrap = new TrapView(view, base);
    this.secondStageFault = new FaultView(view, base);
  }

  start(id: number, kind: VirtualizationKind): void {
    const hart = this.#hart(id);
    assert(kind === VIRTUALIZATION.none || this.#options.engine.callVirtual !== undefined, NO_HOST_MEMORY);
    for (const field of ['hgatp', 'userRoot', 'supervisorRoot', 'realRoot'] as const) hart.set64(field, 0n);
    for (const field of ['userSpace', 'supervisorSpace', 'directCounters', 'usedEntries'] as const)
      hart.set32(field, 0);
    hart.set32('virtualization', kind);
    this.#options.engine.call.flush(hart.base);
    this.#options.engine.call.updateContext(hart.base);
  }

  setSecondStage(id: number, root: number | undefined, vmid = 0): void {
    const hart = this.#hartOfKind(id, VIRTUALIZATION.twoStage);
    assert(Number.isInteger(vmid) && vmid >= 0 && vmid < TLB_SPACE_COUNT.twoStage, 'a VMID is one of 32');
    if (root !== undefined) assert(this.#isTable(root, ROOT_BYTES), 'the root of a second stage has 16 KiB');
    const number = BigInt((root ?? 0) / PAGE_BYTES);
    hart.set64('hgatp', root === undefined ? 0n : (HGATP_MODE << 60n) | (BigInt(vmid) << 44n) | number);
    this.#options.engine.call.updateContext(hart.base);
  }

  setRoot(
    id: number,
    privilege: 0 | 1,
    root: number | undefined,
    space: number,
    mode: TableMode = TABLE_MODE.sv39,
  ): void {
    const { base } = this.#hartOfKind(id, VIRTUALIZATION.deprivileged);
    assert(Number.isInteger(space) && space >= 0 && space < TLB_SPACE_COUNT.deprivileged, 'a space is one of 127');
    assert(root === undefined || this.#isTable(root, PAGE_BYTES), 'a root is a page of memory');
    const at = base + (privilege === 0 ? HART.userRoot : HART.supervisorRoot);
    // Page numbers of memory fit the low word.
    this.#view.setUint32(at, root === undefined ? 0 : root / PAGE_BYTES, true);
    this.#view.setUint32(at + 4, root === undefined ? 0 : (mode << 28) >>> 0, true);
    this.#view.setUint32(base + (privilege === 0 ? HART.userSpace : HART.supervisorSpace), space, true);
    this.#options.engine.call.updateContext(base);
  }

  setDirectCounters(id: number, mask: number): void {
    assert((mask & ~COUNTERS) === 0, 'counters that a guest may read: cycle, time, instret');
    this.#hartOfKind(id, VIRTUALIZATION.deprivileged).set32('directCounters', mask);
  }

  countFirstUses(id: number, mapPa: number): void {
    const { plan } = this.#options.engine;
    this.#hartOfKind(id, VIRTUALIZATION.deprivileged).set32('usedEntries', plan.ram + mapPa - RAM_BASE);
  }

  forgetFirstUses(mapPa: number, pa: number, entryCount: number): void {
    const { plan, call } = this.#options.engine;
    const at = mapPa - RAM_BASE + Math.floor((pa - RAM_BASE) / 64);
    const bit = ((pa - RAM_BASE) / 8) % 8;
    assert(entryCount === 1 || (bit === 0 && entryCount % 8 === 0), 'one entry, or whole bytes of the map');
    const sizeBytes = Math.ceil(entryCount / 8);
    const start = plan.ram + at;
    if (entryCount > 1) this.#bytes.fill(0, start, start + sizeBytes);
    else this.#bytes[start] = must(this.#bytes[start], 'a byte of the map') & ~(1 << bit);
    call.noteWrite(at, sizeBytes);
  }

  enterTrap(id: number, cause: number, tvalLow: number, tvalHigh: number, isInterrupt = false): boolean {
    const { base } = this.#hart(id);
    const isStuck = this.#call.enterTrap(base, cause, isInterrupt ? 1 : 0, tvalLow, tvalHigh);
    this.#spend(this.#systemCycles, 0);
    return isStuck === 0;
  }

  reflectTrap(id: number): boolean {
    const isStuck = this.#call.reflectTrap(this.#hart(id).base);
    this.#spend(this.#systemCycles, 0);
    return isStuck === 0;
  }

  retire(id: number): void {
    this.#retireTrapped(this.#hart(id).base);
  }

  sret(id: number): boolean {
    if (this.#call.emulateSret(this.#hart(id).base) !== 0) return false;
    this.#spend(this.#systemCycles, 1);
    return true;
  }

  emulateCsr(id: number): CsrOutcome {
    const { base } = this.#hart(id);
    const insn = this.#csrActions[this.#handler(base)];
    // A CSR that the machine does not have is decoded as no CSR access at all.
    if (insn === undefined) return CSR_OUTCOME.illegal;
    const { cycle } = this.#options.clock;
    // In two halves; a bit operation keeps the low one.
    const outcome = this.#call.emulateCsr(base, insn.action, insn.isImmediate ? 1 : 0, cycle | 0, cycle / 2 ** 32);
    assert(outcome === 0 || outcome === 1 || outcome === 2, 'an outcome of a CSR access');
    if (outcome !== CSR_OUTCOME.illegal) this.#spend(this.#options.config.core.cycles.csr, 1);
    return outcome;
  }

  beginAccess(id: number, gpa: number): boolean {
    return this.#beginAccess(this.#hart(id), gpa);
  }

  store(id: number, pa: number): boolean {
    const { base } = this.#hart(id);
    const handler = this.#handler(base);
    const kind = this.#accessAt(base, handler, pa);
    if (kind === NO_ACCESS || (kind & ACCESS_KIND.write) === 0) return false;
    const { engine } = this.#options;
    const offset = pa - RAM_BASE;
    assert(offset >= 0 && offset < engine.plan.ramBytes, 'a store of the guest goes to its RAM');
    const sizeBytes = accessSize(kind);
    engine.call.noteWrite(offset, sizeBytes);
    const from = base + HART.regs + 8 * this.#register(base, kind);
    this.#bytes.copyWithin(engine.plan.ram + offset, from, from + sizeBytes);
    this.#retireTrapped(base);
    return true;
  }

  flushAddress(id: number, vaLow: number, vaHigh: number): void {
    this.#call.flushAddress(this.#hart(id).base, vaLow, vaHigh);
  }

  flushSpace(id: number, space: number): void {
    this.#call.flushSpace(this.#hart(id).base, space);
  }

  flushPage(id: number, pa: number): void {
    this.#call.flushPage(this.#hart(id).base, Math.floor(pa / PAGE_BYTES));
  }

  get #call(): VirtualExports {
    return must(this.#options.engine.callVirtual, NO_HOST_MEMORY);
  }

  #hart(id: number): EngineHart {
    return this.#options.hartOf(id);
  }

  #hartOfKind(id: number, kind: VirtualizationKind): EngineHart {
    const hart = this.#hart(id);
    assert(this.#view.getUint32(hart.base + HART.virtualization, true) === kind, 'the hart is virtualized that way');
    return hart;
  }

  #handler(base: number): number {
    return this.#view.getUint16(base + HART.trapEntry + ENTRY.handler, true);
  }

  #retireTrapped(base: number): void {
    const cycles = this.#cycles[this.#handler(base)] ?? 0;
    this.#call.retireTrapped(base);
    this.#spend(cycles, 1);
  }

  /** What a host's work on a hart comes to. */
  #spend(cycles: number, insns: 0 | 1): void {
    const { clock } = this.#options;
    clock.icount += insns;
    clock.charge(cycles);
  }

  #beginAccess(hart: EngineHart, gpa: number): boolean {
    const { base } = hart;
    const handler = this.#handler(base);
    const kind = this.#accessAt(base, handler, gpa);
    return kind !== NO_ACCESS && this.#options.beginAccess(hart, gpa, kind, handler, this.#register(base, kind));
  }

  /**
   * The kind of the trapped load or store as an access to a physical address; {@link NO_ACCESS} if it is none, misaligned, or does not
   * begin there.
   */
  #accessAt(base: number, handler: number, pa: number): number {
    const kind = HANDLER_ACCESSES[handler] ?? NO_ACCESS;
    if (kind === NO_ACCESS || (pa & (accessSize(kind) - 1)) !== 0) return NO_ACCESS;
    const entry = base + HART.trapEntry;
    const imm = this.#view.getInt32(entry + ENTRY.imm, true);
    // What has faulted may be the second page of an access that begins in another.
    const rs1 = this.#view.getInt32(base + HART.regs + this.#view.getUint8(entry + ENTRY.rs1), true);
    const address = rs1 + ((kind & ACCESS_KIND.write) === 0 ? imm : imm >> 8);
    return ((address - pa) & (PAGE_BYTES - 1)) === 0 ? kind : NO_ACCESS;
  }

  /** Destination of the trapped load; source of the trapped store. */
  #register(base: number, kind: number): number {
    const entry = base + HART.trapEntry;
    if ((kind & ACCESS_KIND.write) === 0) return this.#view.getUint8(entry + ENTRY.rd);
    return this.#view.getUint8(entry + ENTRY.imm) / 8;
  }

  #isTable(pa: number, bytes: number): boolean {
    const { ramBytes, hostBytes } = this.#options.engine.plan;
    return pa >= RAM_BASE && pa % bytes === 0 && pa + bytes <= RAM_BASE + ramBytes + hostBytes;
  }
}

const NO_HOST_MEMORY = 'a machine without memory of the host has no virtualized harts';

interface CsrAction {
  readonly action: number;
  readonly isImmediate: boolean;
}

const CSR_INSNS: Readonly<Record<string, CsrAction>> = {
  csrrw: { action: CSR_ACTION.write, isImmediate: false },
  csrrs: { action: CSR_ACTION.set, isImmediate: false },
  csrrc: { action: CSR_ACTION.clear, isImmediate: false },
  csrrwi: { action: CSR_ACTION.write, isImmediate: true },
  csrrsi: { action: CSR_ACTION.set, isImmediate: true },
  csrrci: { action: CSR_ACTION.clear, isImmediate: true },
};

/** What devices take, as {@link ACCESS_KIND}: loads and stores of integer registers. */
const MEMORY_INSNS: Readonly<Record<string, number>> = {
  lb: ACCESS_KIND.signed,
  lbu: 0,
  lh: 1 | ACCESS_KIND.signed,
  lhu: 1,
  lw: 2 | ACCESS_KIND.signed,
  lwu: 2,
  ld: 3,
  sb: ACCESS_KIND.write,
  sh: 1 | ACCESS_KIND.write,
  sw: 2 | ACCESS_KIND.write,
  sd: 3 | ACCESS_KIND.write,
};

/** No device takes the instruction. */
const NO_ACCESS = 0xff;
/** Kind of the access by handler number. */
const HANDLER_ACCESSES = Uint8Array.from([
  ...SPECIAL_HANDLERS.map(() => NO_ACCESS),
  ...INSN_HANDLERS.map(({ insn }) => MEMORY_INSNS[insn.name] ?? NO_ACCESS),
]);

const accessSize = (kind: number): number => 1 << (kind & ACCESS_KIND.log2);

/** The guest physical address of the second stage's last walk. */
const stageAddress = (view: DataView, base: number): number =>
  view.getUint32(base + HART.stageAddress + 4, true) * 2 ** 32 + view.getUint32(base + HART.stageAddress, true);

/** Reads what the engine has left in the hart, so that a stop costs nothing that nobody asks for. */
class TrapView implements GuestTrap {
  readonly #view: DataView;
  readonly #base: () => number;

  constructor(view: DataView, base: () => number) {
    this.#view = view;
    this.#base = base;
  }

  get cause(): number {
    return this.#view.getUint32(this.#base() + HART.cause, true);
  }

  get tvalLow(): number {
    return this.#view.getUint32(this.#base() + HART.tval, true);
  }

  get tvalHigh(): number {
    return this.#view.getUint32(this.#base() + HART.tval + 4, true);
  }

  get tval(): bigint {
    return this.#view.getBigUint64(this.#base() + HART.tval, true);
  }

  get insn(): number {
    return this.#view.getUint32(this.#base() + HART.trapInsn, true);
  }

  get insnBytes(): 0 | 2 | 4 {
    const { insn } = this;
    // No instruction is all zeros in its low half: that encoding is reserved to be illegal, and is 2 bytes long.
    if (insn === 0 && FETCH_CAUSES.has(this.cause)) return 0;
    return (insn & 3) === 3 ? 4 : 2;
  }
}

const FETCH_CAUSES: ReadonlySet<number> = new Set([CAUSE.fetchAccess, CAUSE.fetchPage, CAUSE.fetchGuestPage]);

const TABLE_NAMES = {
  [TABLE_ACCESS.none]: 'none',
  [TABLE_ACCESS.read]: 'read',
  [TABLE_ACCESS.write]: 'write',
} as const;
const ACCESS_OF_CAUSE: ReadonlyMap<number, AccessType> = new Map([
  [CAUSE.fetchGuestPage, ACCESS_TYPE.fetch],
  [CAUSE.loadGuestPage, ACCESS_TYPE.read],
  [CAUSE.storeGuestPage, ACCESS_TYPE.write],
]);

class FaultView implements SecondStageFault {
  readonly #view: DataView;
  readonly #base: () => number;

  constructor(view: DataView, base: () => number) {
    this.#view = view;
    this.#base = base;
  }

  get gpa(): number {
    return stageAddress(this.#view, this.#base());
  }

  get access(): AccessType {
    return must(ACCESS_OF_CAUSE.get(this.#view.getUint32(this.#base() + HART.cause, true)), 'a guest-page fault');
  }

  get table(): 'none' | 'read' | 'write' {
    const table = this.#view.getUint32(this.#base() + HART.stageTable, true);
    assert(table === 0 || table === 1 || table === 2, 'a kind of table access');
    return TABLE_NAMES[table];
  }

  get vaLow(): number {
    return this.#view.getUint32(this.#base() + HART.tval, true);
  }

  get vaHigh(): number {
    return this.#view.getUint32(this.#base() + HART.tval + 4, true);
  }
}
