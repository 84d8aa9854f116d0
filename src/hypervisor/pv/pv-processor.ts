/**
 * Paravirtualization: all of the guest executes without privilege, over its own page tables, and its kernel knows it. What it needs privilege for it asks
 * for by calls; its traps and system calls are bounced to the callbacks that it has named (docs/abi.md, "Callbacks").
 *
 * Events reach a vCPU by SSIP, which is the hypervisor's own here: raised, it wakes a vCPU that blocks, and stops one that runs before
 * its next instruction. Whether it is then entered at its event callback is decided by what the shared-info page says at that moment.
 */

import { must } from '../../assert.ts';
import { IRQ } from '../../machine/bus.ts';
import { CAUSE } from '../../machine/engine/stops.ts';
import { type Machine, PRIVILEGE } from '../../machine/machine-types.ts';
import { TIMEBASE_HZ } from '../../machine/platform/memory-map.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import {
  firstUseMapBytes,
  type HostMemory,
  VIRTUALIZATION,
  type Virtualization,
} from '../../machine/virtualization-types.ts';
import type { ExitHost } from '../modes/mode.ts';
import type { ProcessorSetup, VirtualProcessor } from '../modes/virtual-processor.ts';
import { DBCN } from '../sbi/dbcn.ts';
import type { Scheduler } from '../schedule.ts';
import { PAGE_BYTES } from '../shadow/guest-tables.ts';
import { PV_CALLS } from './calls/calls.ts';
import { isKernelCall, KernelCalls } from './calls/kernel-calls.ts';
import { makePvDevices } from './devices/pv-devices.ts';
import { VIRQ } from './event-channels.ts';
import { AFTERWARDS, type PvCall } from './pv-call.ts';
import { PvConsole } from './pv-console.ts';
import { type Callback, type Halves, PvDomain } from './pv-domain.ts';
import { STATUS, VCPU_TRAP } from './pv-layout.ts';
import type { TrapField } from './shared-info.ts';
import { watchSharedInfo } from './shared-info-watch.ts';
import { writeStartOfDay } from './start-of-day.ts';

const [SP, A0, A1, A6, A7] = [2, 10, 11, 16, 17];
/** `cycle`, `time` and `instret` are read directly. */
const DIRECT_COUNTERS = 0b111;
const SSIE = 1n << BigInt(IRQ.SSIP);
/** SIE, so that SSIP stops the kernel too. */
const SSTATUS_AT_START = 1n << 1n;
const DBCN_READ = 1;
/** The trap value of an event. */
const NO_VALUE: Halves = { low: 0, high: 0 };
/** A deadline that never comes. */
const NEVER = 0xffff_ffff_ffff_ffffn;

/** Memory of the host: a map of the table entries that were used, by which it is counted what shadow paging would have to fill. */
export const pvHostBytes = firstUseMapBytes;

export class PvProcessor implements VirtualProcessor {
  readonly #machine: Machine;
  readonly #virtualization: Virtualization;
  readonly #domain: PvDomain;
  readonly #crashed: (message: string) => void;
  readonly #schedule: Scheduler;
  readonly #console: PvConsole;
  readonly #calls: KernelCalls<PvDomain>;
  readonly #firstUseMap: number;

  constructor(setup: ProcessorSetup) {
    const { machine, config, images, guest, sbi, costs, schedule, events, raised, crashed, avoided } = setup;
    this.#machine = machine;
    this.#virtualization = machine.virtualization;
    this.#crashed = crashed;
    const { memory } = machine;
    const devices = makePvDevices({ memory, config, drives: images.drives, schedule, events });
    const start = writeStartOfDay(machine.memory, {
      vcpuCount: machine.harts.length,
      deviceTree: guest.deviceTree,
      timebaseHz: TIMEBASE_HZ,
      commandLine: config.append,
      epochSeconds: config.rtcEpochSeconds,
      devices: devices.map(({ info }) => info),
    });
    // Tables can be loaded only where a hart is deprivileged.
    for (const { id } of machine.harts) machine.virtualization.start(id, VIRTUALIZATION.deprivileged);
    const kick = (vcpu: number) => machine.setPending(vcpu, IRQ.SSIP, true);
    this.#firstUseMap = allocateMap(machine.hostMemory);
    this.#domain = new PvDomain({
      machine,
      costs,
      sbi,
      start,
      devices,
      firstUseMap: this.#firstUseMap,
      raised,
      kick,
    });
    this.#calls = new KernelCalls(this.#domain, PV_CALLS);
    watchSharedInfo(machine, start.sharedInfo, this.#domain.events, avoided);
    this.#schedule = schedule;
    this.#console = new PvConsole({ events: this.#domain.events, raised });
    setup.addReceiver(this.#console);
    for (const { id } of machine.harts) schedule.register(pollTarget(id), () => kick(id));
    const boot = this.#domain.hart(0);
    boot.setX(A1, BigInt(start.startInfo));
  }

  start(hart: number): void {
    const registers = this.#domain.hart(hart);
    this.#virtualization.start(hart, VIRTUALIZATION.deprivileged);
    this.#virtualization.setDirectCounters(hart, DIRECT_COUNTERS);
    this.#virtualization.countFirstUses(hart, this.#firstUseMap);
    registers.setCsr('mie', SSIE);
    registers.setCsr('sstatus', SSTATUS_AT_START);
    // One that waits to be started keeps nobody from giving the initial tables up.
    if (this.#domain.sbi.harts.isStopped(hart)) this.#domain.unload(hart);
    else this.#domain.startVcpu(hart);
  }

  stopped(hart: number): void {
    this.#domain.unload(hart);
  }

  secondStageFault(): never {
    throw new Error('a deprivileged hart has one stage of translation');
  }

  /** An event has come. */
  guestInterrupt(host: ExitHost, hart: number): void {
    this.#machine.setPending(hart, IRQ.SSIP, false);
    this.#endPoll(hart);
    this.#upcallIfDue(host, hart);
  }

  guestTrap(host: ExitHost, hart: number): void {
    const { primitives } = host.costs;
    const { cause, tvalLow, tvalHigh } = this.#virtualization.guestTrap;
    if (cause !== CAUSE.userCall) {
      const isPageFault = cause === CAUSE.fetchPage || cause === CAUSE.loadPage || cause === CAUSE.storePage;
      const tval = { low: tvalLow, high: tvalHigh };
      this.#exception(host, hart, isPageFault ? 'page-fault' : 'exception', cause, tval);
    } else if (this.#isKernel(hart)) {
      this.#kernelCall(host, hart);
      this.#upcallIfDue(host, hart);
    } else {
      host.exit(hart, 'syscall', primitives.syscallBounce);
      this.#bounce(hart, 'syscall', cause, { low: tvalLow, high: tvalHigh });
    }
  }

  timerExpired(host: ExitHost, hart: number): void {
    // One deadline, one event.
    this.#domain.hart(hart).setCsr('stimecmp', NEVER);
    host.timerChanged();
    const port = this.#domain.events.virqPort(VIRQ.timer, hart);
    if (port === undefined) return;
    host.leaveGuest('timer', host.costs.primitives.timerExit);
    host.inject('virq-timer', port, host.costs.primitives.eventSend);
    this.#domain.events.raise(port);
  }

  /** It can be no page table from then on. */
  holdShared(pa: number): boolean {
    return this.#domain.paging.holdWritable(Math.floor(pa / PAGE_BYTES)) === 0;
  }

  releaseShared(pa: number): void {
    this.#domain.paging.releaseWritable(Math.floor(pa / PAGE_BYTES));
  }

  takeInput(maxBytes: number): Uint8Array | undefined {
    return this.#console.take(maxBytes);
  }

  writeState(sink: StateSink): void {
    this.#console.writeStateBeside(this.#domain, sink);
  }

  #kernelCall(host: ExitHost, hart: number): void {
    const registers = this.#domain.hart(hart);
    if (!isKernelCall(registers)) {
      if (!this.#isHarmful(hart)) host.supervisorCall(hart);
      else host.refuseCall(hart, 'INVALID_PARAM');
      return;
    }
    const call = this.#calls.serve(host, registers);
    if (call.afterwards === AFTERWARDS.iret) this.#iret(hart);
    else if (call.afterwards === AFTERWARDS.block) this.#block(host, hart);
    else if (call.afterwards === AFTERWARDS.yield) host.yieldTurn();
    else if (call.afterwards === AFTERWARDS.poll) this.#poll(host, hart, call);
  }

  /** Whether an SBI call would have the hypervisor write to a page table. */
  #isHarmful(hart: number): boolean {
    const registers = this.#domain.hart(hart);
    if (registers.xLow(A7) !== DBCN.eid || registers.xHigh(A7) !== 0) return false;
    if (registers.xLow(A6) !== DBCN_READ || registers.xHigh(A6) !== 0) return false;
    const length = registers.xHigh(A0) * 0x1_0000_0000 + registers.xLow(A0);
    const pa = registers.xHigh(A1) * 0x1_0000_0000 + registers.xLow(A1);
    return this.#machine.memory.contains(pa, length) && !this.#domain.paging.isWritable(pa, length);
  }

  #block(host: ExitHost, hart: number): void {
    if (!this.#domain.shared.isUpcallPending(hart)) host.waitForInterrupt(hart);
  }

  /** It is woken by SSIP, as from a block. */
  #poll(host: ExitHost, hart: number, { polled, pollEndTicks }: PvCall): void {
    const { clock } = this.#machine;
    const end = pollEndTicks * this.#machine.config.core.cyclesPerTick;
    if (end <= clock.cycle) return;
    this.#domain.vcpu(hart).polled = polled;
    if (end <= Number.MAX_SAFE_INTEGER) this.#schedule.after(end - clock.cycle, pollTarget(hart), {});
    host.waitForInterrupt(hart);
  }

  /** A poll is over, however it ends. */
  #endPoll(hart: number): void {
    const vcpu = this.#domain.vcpu(hart);
    if (vcpu.polled === undefined) return;
    vcpu.polled = undefined;
    this.#schedule.cancel(pollTarget(hart));
  }

  /** An exception is the kernel's to handle, whoever caused it. A callback that cannot be fetched could be entered for ever. */
  #exception(host: ExitHost, hart: number, reason: string, cause: number, tval: Halves): void {
    host.exit(hart, reason, host.costs.primitives.trapBounce);
    const { pcLow, pcHigh } = this.#domain.hart(hart);
    const { trap } = this.#domain.vcpu(hart).callbacks;
    const isFetch = cause === CAUSE.fetchPage || cause === CAUSE.fetchAccess;
    const isAtCallback = isFetch && this.#isKernel(hart) && trap?.low === pcLow && trap.high === pcHigh;
    if (isAtCallback) this.#crash(hart, `cannot fetch its trap callback ${address({ low: pcLow, high: pcHigh })}`);
    else this.#bounce(hart, 'trap', cause, tval);
  }

  #upcallIfDue(host: ExitHost, hart: number): void {
    const { shared } = this.#domain;
    if (!shared.isUpcallPending(hart) || shared.isUpcallMasked(hart)) return;
    host.inject('upcall', hart, host.costs.primitives.eventUpcall);
    this.#bounce(hart, 'event', 0, NO_VALUE);
  }

  /** Enters the kernel at a callback. */
  #bounce(hart: number, callback: Callback, cause: number, tval: Halves): void {
    const { shared } = this.#domain;
    const registers = this.#domain.hart(hart);
    const entry = this.#domain.vcpu(hart).callbacks[callback];
    if (entry === undefined) {
      const value = address(tval);
      this.#crash(hart, `has set no ${callback} callback, and needs it for cause ${cause}, value ${value}`);
      return;
    }
    const isKernel = this.#isKernel(hart);
    shared.setTrap(hart, VCPU_TRAP.pc, registers.pcLow, registers.pcHigh);
    shared.setTrap(hart, VCPU_TRAP.sp, registers.xLow(SP), registers.xHigh(SP));
    shared.setTrap(hart, VCPU_TRAP.cause, cause, 0);
    shared.setTrap(hart, VCPU_TRAP.tval, tval.low, tval.high);
    const status = (isKernel ? STATUS.kernel : 0) | (shared.isUpcallMasked(hart) ? STATUS.masked : 0);
    shared.setTrap(hart, VCPU_TRAP.status, status, 0);
    shared.setUpcallMask(hart, true);
    if (!isKernel) {
      registers.privilege = PRIVILEGE.S;
      registers.setXHalves(SP, shared.trapLow(hart, VCPU_TRAP.kernelSp), shared.trapHigh(hart, VCPU_TRAP.kernelSp));
    }
    registers.setPcHalves(entry.low, entry.high);
  }

  #iret(hart: number): void {
    const { shared } = this.#domain;
    const registers = this.#domain.hart(hart);
    const restore = (index: number, field: TrapField) =>
      registers.setXHalves(index, shared.trapLow(hart, field), shared.trapHigh(hart, field));
    restore(SP, VCPU_TRAP.sp);
    restore(A0, VCPU_TRAP.a0);
    restore(A6, VCPU_TRAP.a6);
    restore(A7, VCPU_TRAP.a7);
    const status = shared.trapLow(hart, VCPU_TRAP.status);
    shared.setUpcallMask(hart, (status & STATUS.masked) !== 0);
    registers.privilege = (status & STATUS.kernel) !== 0 ? PRIVILEGE.S : PRIVILEGE.U;
    // Instructions are at even addresses, as `sepc` holds them.
    registers.setPcHalves(shared.trapLow(hart, VCPU_TRAP.pc) & ~1, shared.trapHigh(hart, VCPU_TRAP.pc));
  }

  #crash(hart: number, what: string): void {
    const { pcLow, pcHigh } = this.#domain.hart(hart);
    this.#crashed(`hart ${hart} at pc ${address({ low: pcLow, high: pcHigh })} ${what}`);
  }

  #isKernel(hart: number): boolean {
    return this.#domain.hart(hart).privilege === PRIVILEGE.S;
  }
}

/** In the schedule: a poll of a vCPU has taken its time. */
const pollTarget = (vcpu: number): string => `poll of vCPU ${vcpu}`;

/** All of the memory: pages are handed out in order, so that they lie together. */
function allocateMap(memory: HostMemory): number {
  const first = must(memory.allocate(), 'memory of the host for a map');
  while (memory.freePages > 0) memory.allocate();
  return first;
}

function joined(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

function address({ low, high }: Halves): string {
  return `0x${joined(low, high).toString(16)}`;
}
