/**
 * The least that a host must do for a guest to run as it would natively, by each mechanism: a second stage filled as it is
 * touched, and shadow tables with every trap emulated. Written from the specification, not from the machine: it walks guest tables itself.
 */
import { must } from '../../src/assert.ts';
import { decode } from '../../src/machine/isa/decode.ts';
import type { Hart, Machine, StopReason } from '../../src/machine/machine-types.ts';
import { PRIVILEGE, STOP } from '../../src/machine/machine-types.ts';
import { ACCESS_TYPE, type AccessType, CSR_OUTCOME, VIRTUALIZATION } from '../../src/machine/virtualization-types.ts';
import { PAGE, PTE } from './machine-rig.ts';
import { HostTable } from './virtual-rig.ts';

/** How a hart is run until a stop that the guest would have natively, too. */
export interface Host {
  /** After each reset of the harts, before they run. */
  start(): void;
  /** Other harts' fences. */
  fence(hart: number): void;
  run(hart: number, untilCycle: number): StopReason;
}

export const HOST_KINDS = ['none', 'twoStage', 'deprivileged'] as const;
export type HostKind = (typeof HOST_KINDS)[number];

export function hostFor(kind: HostKind, machine: Machine): Host {
  switch (kind) {
    case 'none':
      return new NoHost(machine);
    case 'twoStage':
      return new TwoStageHost(machine);
    case 'deprivileged':
      return new ShadowHost(machine);
  }
}

const CAUSE = { fetchAccess: 1, illegal: 2, loadAccess: 5, storeAccess: 7, fetchPage: 12, loadPage: 13, storePage: 15 };
const ACCESS_FAULT = { [ACCESS_TYPE.read]: 5, [ACCESS_TYPE.write]: 7, [ACCESS_TYPE.fetch]: 1 } as const;
const ACCESS_OF_PAGE_FAULT: ReadonlyMap<number, AccessType> = new Map([
  [CAUSE.fetchPage, ACCESS_TYPE.fetch],
  [CAUSE.loadPage, ACCESS_TYPE.read],
  [CAUSE.storePage, ACCESS_TYPE.write],
]);
/** What every shadow entry has: the guest is in U-mode, and A and D of its own tables are set by hand. */
const DONE = PTE.V | PTE.U | PTE.A | PTE.D;
const LOW = 0xffff_ffffn;
const SUM = 1n << 18n;
const MXR = 1n << 19n;

/** What decides how a hart's guest translates. */
const translationOf = (hart: Hart) => `${hart.csr('satp')} ${hart.csr('sstatus') & (SUM | MXR)}`;

class NoHost implements Host {
  readonly machine: Machine;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  start(): void {}

  fence(hart: number): void {
    this.machine.flushTranslations(hart);
  }

  run(hart: number, untilCycle: number): StopReason {
    return this.machine.run(hart, untilCycle);
  }

  protected enterTrap(hart: number, cause: number, tval: bigint, isInterrupt = false): boolean {
    const { virtualization } = this.machine;
    return virtualization.enterTrap(hart, cause, Number(tval & LOW), Number((tval >> 32n) & LOW), isInterrupt);
  }

  protected isRam(pa: number): boolean {
    return this.machine.memory.contains(pa, 1);
  }

  /** The address that the instruction gave, where `va` may be the second page that it touches. */
  protected addressOf(hart: number, va: bigint): bigint {
    const { insn } = this.machine.virtualization.guestTrap;
    const decoded = must(decode(insn), 'an instruction that accesses memory');
    const { imm, rs1 } = decoded.operands;
    const offset = decoded.insn.format === 'Amo' ? 0n : BigInt(imm);
    const address = BigInt.asUintN(64, must(this.machine.harts[hart], 'hart').x(rs1) + offset);
    return va - address < 8n ? address : va;
  }
}

class TwoStageHost extends NoHost {
  readonly #stages: HostTable[] = [];

  override start(): void {
    for (const stage of this.#stages.splice(0)) stage.free();
    for (const { id } of this.machine.harts) {
      const stage = new HostTable(this.machine.hostMemory, 'sv39x4');
      this.#stages.push(stage);
      this.machine.virtualization.start(id, VIRTUALIZATION.twoStage);
      this.machine.virtualization.setSecondStage(id, stage.root, id);
    }
  }

  override run(hart: number, untilCycle: number): StopReason {
    const { machine } = this;
    for (;;) {
      const stop = machine.run(hart, untilCycle);
      if (stop !== STOP.secondStageFault) return stop;
      const { gpa, access, table, vaLow, vaHigh } = machine.virtualization.secondStageFault;
      if (this.isRam(gpa)) {
        const page = Math.floor(gpa / PAGE) * PAGE;
        must(this.#stages[hart], 'second stage').map(page, page);
        continue;
      }
      const va = BigInt(vaLow) | (BigInt(vaHigh) << 32n);
      const isExplicit = access !== ACCESS_TYPE.fetch && table === 'none';
      if (!this.enterTrap(hart, ACCESS_FAULT[access], isExplicit ? this.addressOf(hart, va) : va)) return STOP.stuck;
    }
  }
}

interface Mapping {
  readonly pa: number;
  readonly flags: number;
}

class ShadowHost extends NoHost {
  /** By hart, for virtual U- and S-mode. */
  #shadows: (readonly [HostTable, HostTable])[] = [];

  override start(): void {
    for (const { id } of this.machine.harts) {
      this.machine.virtualization.start(id, VIRTUALIZATION.deprivileged);
      this.#renew(id);
    }
  }

  override fence(hart: number): void {
    this.#renew(hart);
  }

  override run(hart: number, untilCycle: number): StopReason {
    const { machine } = this;
    for (;;) {
      const stop = machine.run(hart, untilCycle);
      switch (stop) {
        case STOP.guestInterrupt:
          return this.enterTrap(hart, machine.lastInterruptCause, 0n, true) ? STOP.interruptTaken : STOP.stuck;
        case STOP.guestTrap: {
          const result = this.#serve(hart);
          if (result !== undefined) return result;
          break;
        }
        default:
          return stop;
      }
    }
  }

  /** Empty tables for both privileges. */
  #renew(id: number): void {
    const { hostMemory, virtualization } = this.machine;
    for (const table of this.#shadows[id] ?? []) table.free();
    const tables = [new HostTable(hostMemory, 'sv39'), new HostTable(hostMemory, 'sv39')] as const;
    this.#shadows[id] = tables;
    for (const privilege of [PRIVILEGE.U, PRIVILEGE.S] as const) {
      virtualization.setRoot(id, privilege, tables[privilege].root, 2 * id + privilege);
      virtualization.flushSpace(id, 2 * id + privilege);
    }
  }

  /** A stop that the guest would have natively, if what trapped comes to one. */
  #serve(hart: number): StopReason | undefined {
    const { guestTrap } = this.machine.virtualization;
    const access = ACCESS_OF_PAGE_FAULT.get(guestTrap.cause);
    if (access !== undefined) return this.#pageFault(hart, access, guestTrap.tval);
    if (guestTrap.cause === CAUSE.illegal) return this.#sensitive(hart, guestTrap.insn);
    return this.#reflect(hart);
  }

  #reflect(hart: number): StopReason | undefined {
    return this.machine.virtualization.reflectTrap(hart) ? undefined : STOP.stuck;
  }

  #sensitive(id: number, insn: number): StopReason | undefined {
    const { virtualization } = this.machine;
    const hart = must(this.machine.harts[id], 'hart');
    const name = decode(insn)?.insn.name ?? '';
    const isSupervisor = hart.privilege === PRIVILEGE.S;
    if (name.startsWith('csrr')) {
      const before = translationOf(hart);
      const outcome = virtualization.emulateCsr(id);
      if (outcome === CSR_OUTCOME.illegal) return this.#reflect(id);
      if (before !== translationOf(hart)) this.#renew(id);
      return outcome === CSR_OUTCOME.timerChanged ? STOP.timerChanged : undefined;
    }
    if (name === 'sret' && virtualization.sret(id)) return undefined;
    if (name === 'wfi' && isSupervisor) {
      virtualization.retire(id);
      return STOP.wfi;
    }
    if (name === 'sfence.vma' && isSupervisor) {
      virtualization.retire(id);
      this.#renew(id);
      return undefined;
    }
    return this.#reflect(id);
  }

  /** The guest's own fault, or one that only the shadow has. */
  #pageFault(id: number, access: AccessType, va: bigint): StopReason | undefined {
    const mapping = this.#translate(id, access, va);
    if (mapping === 'page') return this.#reflect(id);
    if (mapping === 'access') return this.enterTrap(id, ACCESS_FAULT[access], va) ? undefined : STOP.stuck;
    const page = Math.floor(mapping.pa / PAGE) * PAGE;
    if (this.isRam(page)) {
      const table = must(this.#shadows[id], 'shadows')[must(this.machine.harts[id], 'hart').privilege === 0 ? 0 : 1];
      table.map(Number(BigInt.asUintN(39, va) & ~0xfffn), page, DONE | mapping.flags);
      return undefined;
    }
    if (access === ACCESS_TYPE.fetch) return this.enterTrap(id, CAUSE.fetchAccess, va) ? undefined : STOP.stuck;
    if (this.machine.virtualization.beginAccess(id, mapping.pa)) return STOP.mmio;
    return this.enterTrap(id, ACCESS_FAULT[access], this.addressOf(id, va)) ? undefined : STOP.stuck;
  }

  /** The walk of the guest's Sv39 table by the guest's rules (Privileged ISA 12.3.2), or no translation. */
  #translate(id: number, access: AccessType, va: bigint): Mapping | 'page' | 'access' {
    const { memory, hostMemory, config } = this.machine;
    const hart = must(this.machine.harts[id], 'hart');
    const satp = hart.csr('satp');
    if (satp >> 60n === 0n) {
      return va >= 1n << 40n ? 'access' : { pa: Number(va), flags: PTE.R | PTE.W | PTE.X };
    }
    if (BigInt.asUintN(64, BigInt.asIntN(39, va)) !== va) return 'page';
    let table = Number(satp & ((1n << 44n) - 1n)) * PAGE;
    for (let level = 2; level >= 0; level--) {
      const at = table + 8 * Number((va >> BigInt(12 + 9 * level)) & 511n);
      if (!memory.contains(at, 8)) return 'access';
      const flags = hostMemory.pteFlags(at);
      const isReserved = memory.read64(at) >> 54n !== 0n || (flags & (PTE.R | PTE.W)) === PTE.W;
      if ((flags & PTE.V) === 0 || isReserved) return 'page';
      const number = hostMemory.pteNumber(at);
      if ((flags & (PTE.R | PTE.W | PTE.X)) === 0) {
        if ((flags & (PTE.A | PTE.D | PTE.U)) !== 0) return 'page';
        table = number * PAGE;
        continue;
      }
      const allowed = this.#allowed(flags, hart.privilege === PRIVILEGE.U, hart.csr('sstatus'));
      const need = { [ACCESS_TYPE.read]: PTE.R, [ACCESS_TYPE.write]: PTE.W, [ACCESS_TYPE.fetch]: PTE.X }[access];
      if ((allowed & need) === 0 || number % 512 ** level !== 0) return 'page';
      const wanted = access === ACCESS_TYPE.write ? PTE.A | PTE.D : PTE.A;
      if ((flags & wanted) !== wanted) {
        if (config.adUpdate === 'fault') return 'page';
        hostMemory.writePte(at, number, flags | wanted);
      }
      // The first write comes back, to set D.
      const mapped = ((flags | wanted) & PTE.D) !== 0 ? allowed : allowed & ~PTE.W;
      const pa = number * PAGE + Number(va & ((1n << BigInt(12 + 9 * level)) - 1n));
      if (pa >= 2 ** 40) return 'access';
      return { pa, flags: mapped };
    }
    return 'page';
  }

  #allowed(flags: number, isUser: boolean, sstatus: bigint): number {
    const readable = (flags & PTE.X) !== 0 && (sstatus & MXR) !== 0n ? PTE.R : 0;
    const allowed = (flags & (PTE.R | PTE.W | PTE.X)) | readable;
    const isUserPage = (flags & PTE.U) !== 0;
    if (isUser) return isUserPage ? allowed : 0;
    if (!isUserPage) return allowed;
    return (sstatus & SUM) !== 0n ? allowed & ~PTE.X : 0;
  }
}
