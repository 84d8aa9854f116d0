/**
 * Trap and emulate: all of the guest executes without privilege, over shadow page tables. Whatever its kernel does that takes privilege
 * stops, and is done here to its virtual state; its traps and system calls come here first and are passed on to it.
 */
import { assert, must } from '../../assert.ts';
import { CSR_NUMBERS, csrName } from '../../machine/csr-numbers.ts';
import { CAUSE } from '../../machine/engine/stops.ts';
import { type Machine, PRIVILEGE } from '../../machine/machine-types.ts';
import {
  ACCESS_TYPE,
  type AccessType,
  CSR_OUTCOME,
  VIRTUALIZATION,
  type Virtualization,
} from '../../machine/virtualization-types.ts';
import type { ExitCost } from '../costs.ts';
import { PAGE_BYTES } from '../shadow/guest-tables.ts';
import { ShadowMmu, type ShadowOptions } from '../shadow/shadow-mmu.ts';
import type { ExitHost } from './mode.ts';
import { ACCESS_FAULTS, type VirtualProcessor } from './virtual-processor.ts';

/** `cycle`, `time` and `instret` are read directly: nothing about them is virtual here, so a hypervisor has no reason to trap them. */
const DIRECT_COUNTERS = 0b111;

/** Instructions of the SYSTEM opcode, by their bits (Unprivileged ISA, instruction set listings). */
const OPCODE_SYSTEM = 0x73;
const INSN_SRET = 0x1020_0073;
const INSN_WFI = 0x1050_0073;
const SFENCE_VMA_FUNCT7 = 0x09;

const ACCESS_OF_CAUSE: Readonly<Record<number, AccessType>> = {
  [CAUSE.fetchPage]: ACCESS_TYPE.fetch,
  [CAUSE.loadPage]: ACCESS_TYPE.read,
  [CAUSE.storePage]: ACCESS_TYPE.write,
};

/** Reasons of exits at CSR instructions, by number: made once. */
const CSR_REASONS: readonly string[] = Array.from({ length: 4096 }, (_, number) => {
  const name = csrName(number);
  return `csr ${name ?? `0x${number.toString(16)}`}`;
});

/** Pages of shadow tables for each MiB of the guest: a table for each 2 MiB, eight times over for views and address spaces. */
const SHADOW_PAGES_PER_MIB = 4;
const SHADOW_BYTES_MIN = 4 * 2 ** 20;

/** Memory of the host for shadow tables. When it is used up, those of address spaces not in use go first. */
export function shadowBytes(memoryBytes: number): number {
  return Math.max(SHADOW_BYTES_MIN, Math.ceil(memoryBytes / 2 ** 20) * SHADOW_PAGES_PER_MIB * PAGE_BYTES);
}

export class TrapAndEmulate implements VirtualProcessor {
  readonly #machine: Machine;
  readonly #virtualization: Virtualization;
  readonly #shadow: ShadowMmu;

  constructor(machine: Machine, options: ShadowOptions = {}) {
    this.#machine = machine;
    this.#virtualization = machine.virtualization;
    this.#shadow = new ShadowMmu(machine, machine.hostMemory, machine.virtualization, options);
  }

  start(hart: number): void {
    this.#virtualization.start(hart, VIRTUALIZATION.deprivileged);
    this.#virtualization.setDirectCounters(hart, DIRECT_COUNTERS);
    this.#shadow.start(hart);
  }

  secondStageFault(): void {
    assert(false, 'a deprivileged hart has one stage of translation');
  }

  /** The interrupt was raised, and charged, by whoever injected it: the guest's handler is entered on the way back to it. */
  guestInterrupt(host: ExitHost, hart: number): void {
    const cause = this.#machine.lastInterruptCause;
    host.interrupted(hart, cause);
    if (!this.#virtualization.enterTrap(hart, cause, 0, 0, true)) host.stuck(hart);
  }

  guestTrap(host: ExitHost, hart: number): void {
    const { cause } = this.#virtualization.guestTrap;
    switch (cause) {
      case CAUSE.userCall:
        this.#call(host, hart);
        break;
      case CAUSE.illegal:
        this.#sensitive(host, hart);
        break;
      case CAUSE.fetchPage:
      case CAUSE.loadPage:
      case CAUSE.storePage:
        this.#pageFault(host, hart, must(ACCESS_OF_CAUSE[cause], 'a page fault'));
        break;
      default:
        this.#bounce(host, hart, 'exception', host.costs.primitives.trapBounce);
    }
  }

  /** `ecall` of a process is the kernel's; one of the kernel is the hypervisor's. */
  #call(host: ExitHost, hart: number): void {
    if (this.#isSupervisor(hart)) host.supervisorCall(hart);
    else this.#bounce(host, hart, 'syscall', host.costs.primitives.syscallBounce);
  }

  #bounce(host: ExitHost, hart: number, reason: string, cost: ExitCost): void {
    host.exit(hart, reason, cost);
    this.#reflect(host, hart);
  }

  #sensitive(host: ExitHost, hart: number): void {
    const { insn } = this.#virtualization.guestTrap;
    const { primitives } = host.costs;
    const isSystem = (insn & 0x7f) === OPCODE_SYSTEM;
    if (!isSystem || !this.#isSupervisor(hart)) {
      this.#bounce(host, hart, 'exception', primitives.trapBounce);
    } else if (((insn >>> 12) & 7) !== 0) {
      this.#csr(host, hart, insn);
    } else if (insn === INSN_SRET) {
      host.exit(hart, 'sret', primitives.sret);
      if (!this.#virtualization.sret(hart)) this.#reflect(host, hart);
    } else if (insn === INSN_WFI) {
      host.exit(hart, 'wfi', primitives.wfi);
      this.#virtualization.retire(hart);
      host.waitForInterrupt(hart);
    } else if (insn >>> 25 === SFENCE_VMA_FUNCT7) {
      host.exit(hart, 'sfence.vma', primitives.sfence);
      this.#fence(hart, insn);
    } else {
      this.#bounce(host, hart, 'exception', primitives.trapBounce);
    }
  }

  #csr(host: ExitHost, hart: number, insn: number): void {
    const number = insn >>> 20;
    const { primitives } = host.costs;
    if (number === CSR_NUMBERS.satp) {
      const isCached = this.#shadow.isCached(hart, this.#satpAfter(hart, insn));
      host.exitWith(hart, 'csr satp', isCached ? primitives.satpCached : primitives.satpNew, () =>
        this.#writeCsr(host, hart, true),
      );
    } else {
      const reason = must(CSR_REASONS[number], 'a CSR number has 12 bits');
      host.exitWith(hart, reason, primitives.csrAccess, () => {
        const extra = number === CSR_NUMBERS.stimecmp ? primitives.timerSet.handling.cycles : 0;
        return extra + this.#writeCsr(host, hart, number === CSR_NUMBERS.sstatus);
      });
    }
  }

  /** Returns the cycles of work that the change of tables took. */
  #writeCsr(host: ExitHost, hart: number, switches: boolean): number {
    const outcome = this.#virtualization.emulateCsr(hart);
    if (outcome === CSR_OUTCOME.illegal) this.#reflect(host, hart);
    else if (outcome === CSR_OUTCOME.timerChanged) host.timerChanged();
    if (!switches || outcome === CSR_OUTCOME.illegal) return 0;
    return this.#shadow.switchRoots(hart).dropped * host.costs.primitives.shadowDrop.handling.cycles;
  }

  #reflect(host: ExitHost, hart: number): void {
    if (!this.#virtualization.reflectTrap(hart)) host.stuck(hart);
  }

  /** What `satp` will be if the instruction is carried out: its price depends on it. */
  #satpAfter(hart: number, insn: number): bigint {
    const registers = must(this.#machine.harts[hart], 'a hart of the machine');
    const before = registers.csr('satp');
    const source = (insn >>> 15) & 31;
    const operand = ((insn >>> 12) & 4) === 0 ? registers.x(source) : BigInt(source);
    switch ((insn >>> 12) & 3) {
      case 1:
        return operand;
      case 2:
        return before | operand;
      default:
        return before & ~operand;
    }
  }

  /** Shadow entries follow the guest's tables at once, so that only what the TLB holds is left to drop. */
  #fence(hart: number, insn: number): void {
    const address = (insn >>> 15) & 31;
    if (address === 0) {
      this.#machine.flushTranslations(hart);
    } else {
      const registers = must(this.#machine.harts[hart], 'a hart of the machine');
      this.#virtualization.flushAddress(hart, registers.xLow(address), registers.xHigh(address));
    }
    this.#virtualization.retire(hart);
  }

  #pageFault(host: ExitHost, hart: number, access: AccessType): void {
    const { tvalLow: low, tvalHigh: high } = this.#virtualization.guestTrap;
    const { primitives } = host.costs;
    const fault = this.#shadow.fault(hart, { low, high }, access);
    const drop = primitives.shadowDrop.handling.cycles;
    switch (fault.kind) {
      case 'filled':
        host.exitWith(hart, 'shadow-fill', primitives.shadowFill, () => fault.dropped * drop);
        break;
      case 'table-write': {
        let trapped = false;
        host.exitWith(hart, 'pte-write', primitives.pteWrite, () => {
          const write = this.#shadow.writeTable(hart, { low, high }, fault.gpa, this.#storeBytes());
          ({ trapped } = write);
          return (fault.dropped + write.dropped) * drop;
        });
        // Served at once: the store would stop at its first page again, and nothing would change.
        if (trapped) this.guestTrap(host, hart);
        break;
      }
      case 'device':
        if (this.#virtualization.beginAccess(hart, fault.gpa)) host.deviceAccess(hart);
        else this.#accessFault(host, hart, access, low, high);
        break;
      case 'access-fault':
        this.#accessFault(host, hart, access, low, high);
        break;
      case 'guest-fault':
        this.#bounce(host, hart, 'page-fault', primitives.trapBounce);
        break;
    }
  }

  #accessFault(host: ExitHost, hart: number, access: AccessType, low: number, high: number): void {
    host.exit(hart, 'access-fault', host.costs.primitives.trapBounce);
    if (!this.#virtualization.enterTrap(hart, must(ACCESS_FAULTS[access], 'a kind of access'), low, high))
      host.stuck(hart);
  }

  /**
   * Bytes that the store that stopped writes. Anything but a plain 8-byte store counts as smaller, because whoever writes table entries
   * writes them whole.
   */
  #storeBytes(): number {
    const { insn, insnBytes } = this.#virtualization.guestTrap;
    if (insnBytes === 4) return (insn & 0x707f) === 0x3023 || (insn & 0x707f) === 0x302f ? 8 : 4;
    const isDouble = (insn & 0xe003) === 0xe000 || (insn & 0xe003) === 0xe002;
    return isDouble ? 8 : 4;
  }

  #isSupervisor(hart: number): boolean {
    return must(this.#machine.harts[hart], 'a hart of the machine').privilege === PRIVILEGE.S;
  }
}
