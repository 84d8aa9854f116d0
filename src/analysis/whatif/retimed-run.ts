/**
 * The recorded run once more, on the clock of another mode: its guest code, without what was paravirtual of it and with what the unmodified kernel
 * does instead, at the prices of the mode; waits end when what they were for is there, and the timer ticks as the longer or shorter run has it.
 */

import { NET_QUEUE } from '../../hypervisor/backends/net-wire.ts';
import type { EventOf, VmEvent } from '../../hypervisor/events.ts';
import { TABLE_WRITES_MAX } from '../../hypervisor/shadow/shadow-mmu.ts';
import { REFILL_FRAMES } from './device-recipes.ts';
import { DeviceTimes, isDisk, isNet } from './device-times.ts';
import { BOOT_CYCLES, CSR_ACCESSES, RECEIVER_LOOKS_CYCLES } from './guest-paths.ts';
import { PredictedClock, type Wake } from './predicted-clock.ts';
import { isBlock, pvCallOf, type RecordedRun } from './recorded-run.ts';
import { isBlockAt, isTick, nextOfGuest, wokenBy } from './recorded-waits.ts';
import type { RetimedCounts, RetimeOptions } from './retime-options.ts';

/** Of an address space of a paravirtual kernel: one with the kernel, one without. */
const ROOTS = 2;
/** Entries of a root that map the kernel. */
const KERNEL_ENTRIES = 1;
const PAGE_BYTES = 4096;

export class RetimedRun {
  readonly #run: RecordedRun;
  readonly #options: RetimeOptions;
  readonly #devices: DeviceTimes;
  readonly #clock: PredictedClock;
  readonly counts: RetimedCounts = {
    addressSpaces: 0,
    destroyedTables: 0,
    handedOver: 0,
    loads: 0,
    flushes: 0,
    faults: 0,
    tableStores: 0,
  };
  /** The handler of a timer interrupt of the recorded run is being passed over. */
  #inTick = false;
  /** A frame was there before the receiver asked: no interrupt comes for it, and the recorded one is passed over. */
  #skipsInterrupt = false;
  #skipsMask = false;
  /** The last wait really waited: an interrupt that ends it takes no guest out. */
  #waited = false;
  #newSpaces = 0;
  #staleRoots = 0;
  #framesReceived = 0;
  #lastCall = '';
  /** By the last call that did. */
  #tablesHandedOver = 0;

  constructor(run: RecordedRun, options: RetimeOptions) {
    this.#run = run;
    this.#options = options;
    this.#devices = new DeviceTimes(run.steps, run.config.net?.latencyCycles ?? 0);
    const { ledger, accessWalkCycles, driverKind: drivers } = options;
    const { tickCycles } = run;
    this.#clock = new PredictedClock({ ledger, devices: this.#devices, drivers, accessWalkCycles, tickCycles });
  }

  get cycle(): number {
    return this.#clock.cycle;
  }

  get idleCycles(): number {
    return this.#clock.idleCycles;
  }

  /** Accesses to registers. */
  get accesses(): number {
    return this.#clock.accesses;
  }

  play(): void {
    this.#start();
    this.#run.steps.forEach(({ event, guestCycles }, index) => {
      if (!this.#inTick && !this.#skipsInterrupt)
        this.#clock.advance(guestCycles * (1 + this.#options.extraPerGuestCycle));
      this.#serve(event, index);
    });
  }

  #start(): void {
    const { drivers, startCycles } = this.#options;
    const { config } = this.#run;
    this.#clock.pass(startCycles);
    this.#clock.pass(BOOT_CYCLES[this.#options.deviceSet] - BOOT_CYCLES.calls);
    this.#clock.add('startCsr', CSR_ACCESSES.start);
    this.#clock.add('satpNew');
    this.#clock.add('fence');
    this.#clock.access(drivers.controllerStart);
    this.#clock.access(drivers.consoleStart);
    const devices = [config.drives.length > 0 && drivers.blockStart, config.net !== undefined && drivers.netStart];
    for (const start of devices) {
      if (start === false) continue;
      this.#clock.access(start);
      this.#clock.access(drivers.route);
    }
  }

  #serve(event: VmEvent, index: number): void {
    switch (event.kind) {
      case 'exit':
        this.#exit(event);
        break;
      case 'inject':
        this.#inject(event, index);
        break;
      case 'hypercall':
        this.#call(event, index);
        break;
      case 'avoidedExit':
        this.#avoided(event, index);
        break;
      case 'take':
        this.#take(event);
        break;
      case 'complete':
        if (isNet(event.device) && event.queue === NET_QUEUE.receive) this.#frameReceived();
        break;
      default:
        break;
    }
  }

  #exit({ reason }: EventOf<'exit'>): void {
    switch (reason) {
      case 'syscall':
      case 'page-fault':
      case 'exception':
        this.#clock.path('exceptionEntry');
        this.#clock.add(reason === 'syscall' ? 'syscall' : reason === 'page-fault' ? 'fault' : 'exception');
        this.#clock.add('trapCsr', CSR_ACCESSES.trapEntry);
        if (reason === 'page-fault') this.counts.faults++;
        break;
      case 'preempt':
        this.#clock.add('preempt');
        break;
      // Those of timers and devices come by the clock of this run.
      default:
        break;
    }
  }

  #inject({ source }: EventOf<'inject'>, index: number): void {
    if (source === 'upcall') {
      this.#inTick = isTick(this.#run.steps, index);
      if (this.#inTick || this.#skipsInterrupt) return;
      this.#clock.path('interruptEntry');
      this.#clock.add('trapCsr', CSR_ACCESSES.trapEntry);
    } else if (source.startsWith('pv-') && !this.#skipsInterrupt) {
      if (!this.#waited) this.#clock.add('external');
      this.#clock.add('inject');
      this.#waited = false;
    }
  }

  #call(event: EventOf<'hypercall'>, index: number): void {
    const found = pvCallOf(event);
    if (found === undefined) {
      if (this.#run.steps[index + 1]?.event.kind === 'end') this.#clock.access(this.#options.drivers.consoleFlush);
      this.#clock.add(this.#run.steps[index + 1]?.event.kind === 'end' ? 'userCall' : 'call');
      return;
    }
    const { name, call } = found;
    if (name === 'iret') this.#iret();
    else if (name === 'set_timer_op') this.#clock.startTicks();
    else if (!this.#inTick && !this.#skipsInterrupt) {
      const before = this.#lastCall;
      this.#serveCall(name, call, index);
      if (this.#lastCall === before) this.#lastCall = name;
    }
  }

  #serveCall(name: string, call: EventOf<'hypercall'>, index: number): void {
    const { counts } = this;
    switch (name) {
      case 'sched_op':
        if (isBlock(call)) this.#wait(index);
        break;
      case 'update_va_mapping':
        this.#clock.path('entryNow');
        counts.tableStores += call.tableWrites;
        this.#clock.add('tableStore', call.tableWrites);
        this.#clock.add('fence', call.flushes);
        break;
      case 'mmu_update':
        if (this.#tablesHandedOver === 1 && this.#lastCall === 'multicall') {
          this.#clock.path('tableSet');
          this.#clock.path('tableSetInRoots', call.tableWrites - 1);
        } else {
          this.#clock.path('batch');
          this.#clock.path('entryInBatch', call.tableWrites);
        }
        counts.tableStores += call.tableWrites;
        this.#clock.add('tableStore', call.tableWrites);
        break;
      case 'mmuext_op':
        this.#extended(call);
        break;
      case 'multicall':
        this.#handOver(Number(call.arg1));
        break;
      case 'console_io':
        this.#write(Number(call.arg1));
        break;
      default:
        break;
    }
  }

  #extended(event: EventOf<'hypercall'>): void {
    const { rootLoads, flushes } = event;
    if (rootLoads > 0) {
      this.#clock.path('activate');
      this.counts.loads++;
      this.#clock.add(this.#newSpaces > 0 ? 'satpNew' : 'satpCached');
      this.#newSpaces = Math.max(0, this.#newSpaces - 1);
      this.#clock.add('fence');
    } else if (flushes > 0) {
      this.#clock.path('flush', flushes);
      this.counts.flushes += flushes;
      this.#clock.add('fence', flushes);
    } else if (this.#lastCall === 'multicall') {
      // Tables are handed over before they are pinned.
      this.#clock.path('rootReady');
      this.#tablesBefore(event);
      this.#newSpaces++;
      this.counts.addressSpaces++;
      this.#reuseRoot();
    } else {
      this.#clock.path('rootDestroyed');
      this.#staleRoots++;
      this.#lastCall = 'unpin';
      return;
    }
  }

  /** Entries that were validated as tables were pinned, by what that was charged. */
  #entriesPinned({ handlingCycles }: EventOf<'hypercall'>): number {
    const { hypercallKernel, pinEntry } = this.#run.costs.primitives;
    const price = pinEntry.handling.cycles;
    return price === 0 ? 0 : Math.round((handlingCycles - hypercallKernel.handling.cycles) / price);
  }

  /**
   * Nobody tells a shadow that tables are none any more: it finds out by the stores when the page of their root is used again, which the last page given
   * back is first.
   */
  #reuseRoot(): void {
    if (this.#staleRoots === 0) return;
    this.#staleRoots--;
    this.#clock.add('staleStore', TABLE_WRITES_MAX + 1);
    this.counts.tableStores += TABLE_WRITES_MAX + 1;
  }

  /** Tables that were made by plain stores before they were handed over: two roots, one above those of entries, and these. */
  #tablesBefore(event: EventOf<'hypercall'>): void {
    const pages = this.#tablesHandedOver;
    if (pages <= ROOTS) {
      this.#clock.path('tablesOfNone');
      return;
    }
    const tables = pages - ROOTS - 1;
    this.#clock.path('tablesOfSome');
    this.#clock.path('tablesOfEach', tables);
    this.#clock.path('tableBefore', tables + 1);
    this.#clock.path('tableBeforeInRoots');
    // What was pinned are entries, and above them an entry for each table and those of both roots.
    this.#clock.path('entryBefore', Math.max(0, this.#entriesPinned(event) - tables - ROOTS - KERNEL_ENTRIES));
  }

  #write(bytes: number): void {
    const { consoleWrite, consoleByte } = this.#options.drivers;
    this.#clock.path('textWritten');
    this.#clock.path('byteWritten', bytes);
    this.#clock.path('wordCopied', Math.floor(bytes / 8));
    this.#clock.path('byteCopied', bytes % 8);
    this.#clock.access(consoleWrite);
    this.#clock.access(consoleByte, bytes);
  }

  #handOver(pages: number): void {
    this.#tablesHandedOver = pages;
    this.#clock.path('handOver');
    if (this.#lastCall === 'unpin') {
      this.#clock.path('pageBack', pages);
      this.#clock.path(pages > ROOTS ? 'tablesOfSome' : 'tablesOfNone');
      if (pages > ROOTS) this.#clock.path('tablesOfEach', pages - ROOTS - 1);
    } else this.#clock.path('pageOver', pages);
    // The second root is only the paravirtual kernel's.
    if (this.#lastCall === 'unpin') this.counts.destroyedTables += pages - 1;
    this.counts.handedOver += pages;
  }

  #iret(): void {
    if (this.#inTick) this.#inTick = false;
    else if (this.#skipsInterrupt) {
      this.#skipsInterrupt = false;
      this.#skipsMask = true;
    } else this.#return();
  }

  #return(): void {
    this.#clock.path('trapReturn');
    this.#clock.add('trapCsr', CSR_ACCESSES.trapReturn);
    this.#clock.add('sret');
  }

  #avoided({ operation, device, count }: EventOf<'avoidedExit'>, index: number): void {
    if (this.#inTick || this.#skipsInterrupt) return;
    if (operation === 'interrupt-mask') {
      // The end of the idling that was passed over.
      const isPassedOver = this.#skipsMask;
      this.#skipsMask = false;
      if (isPassedOver) return;
      this.#clock.path('mask', count);
      this.#clock.add('maskCsr', CSR_ACCESSES.mask * count);
      this.#askForFrame(index);
    } else if (operation === 'interrupt-unmask') {
      this.#clock.path('unmask', count);
    } else if (operation === 'interrupt-acknowledge') {
      const { blockInterrupt, netInterrupt } = this.#options.drivers;
      if (isNet(device) || isDisk(device)) this.#clock.path(isNet(device) ? 'netService' : 'diskService');
      if (isNet(device)) this.#clock.access(netInterrupt);
      else if (isDisk(device)) this.#clock.access(blockInterrupt);
    }
  }

  #take(event: EventOf<'take'>): void {
    const { drivers } = this.#options;
    if (isDisk(event.device)) {
      this.#clock.path('diskRequest');
      this.#clock.path('diskPage', Math.ceil((event.readableBytes + event.writableBytes) / PAGE_BYTES));
      this.#clock.access(drivers.blockSubmit);
    } else if (isNet(event.device) && event.queue === NET_QUEUE.transmit) {
      this.#clock.path('frameSent');
      this.#clock.access(drivers.netTransmit);
    }
    // The device is told before the exit of the last access returns.
    this.#devices.take(event, this.cycle - this.#options.doorbellReturnCycles);
    if (isNet(event.device) && event.queue === NET_QUEUE.transmit) this.#clock.path('frameSentReturn');
  }

  #frameReceived(): void {
    this.#framesReceived++;
    this.#clock.path('frameReceived');
    if (this.#framesReceived % REFILL_FRAMES !== 0) return;
    this.#clock.path('refill');
    this.#clock.access(this.#options.drivers.netRefill);
  }

  /**
   * A receiver that finds no frame asks for an interrupt, with interrupts masked, and then goes to sleep, which masks them again: the mask before that
   * one is where it asks. If its frame is there by now, it does neither.
   */
  #askForFrame(index: number): void {
    const { steps } = this.#run;
    const next = nextOfGuest(steps, index);
    const event = steps[next]?.event;
    if (event?.kind !== 'avoidedExit' || event.operation !== 'interrupt-mask') return;
    const block = nextOfGuest(steps, next);
    const cause = isBlockAt(steps, block) ? this.#wakeOf(block) : undefined;
    if (cause?.what !== 'frame') return;
    this.#skipsInterrupt = cause.ready() <= this.cycle;
    if (this.#skipsInterrupt) return;
    this.#clock.advance(RECEIVER_LOOKS_CYCLES);
    this.#clock.access(this.#options.drivers.netUnmask);
    this.#clock.pass(-RECEIVER_LOOKS_CYCLES);
  }

  /** The kernel has nothing to do until what comes next in the recorded run. */
  #wait(index: number): void {
    const wake = this.#wakeOf(index);
    if (wake.what === 'nothing') return;
    this.#clock.path('idle');
    this.#waited = this.#clock.wait(wake);
  }

  #wakeOf(index: number): Wake {
    const woken = wokenBy(this.#run.steps, index);
    if (woken === 'timer' || woken === 'nothing') return { what: woken, ready: () => this.cycle };
    if (!isNet(woken.device)) return { what: 'device', ready: () => this.#devices.requestDone };
    if (woken.hasSent) return { what: 'device', ready: () => this.#devices.lastSent };
    const ordinal = this.#framesReceived;
    return { what: 'frame', ready: () => this.#devices.frameReady(ordinal) };
  }
}
