/**
 * Hardware assistance for a guest that may ask for events: a processor under two stages of translation, and calls beside those of the SBI.
 *
 * An upcall is the virtual supervisor software interrupt (`hvip.VSSIP`). Of the three interrupts of VS-mode it is the one that a guest can lower
 * by itself, in `sip` (Privileged ISA, "Hypervisor Virtual-Interrupt-Pending Register"); VSEIP would take an exit for each. A guest that never places a
 * shared-info page notices nothing: its devices stay at the interrupt controller.
 */

import { must } from '../../assert.ts';
import { IRQ } from '../../machine/bus.ts';
import type { Hart } from '../../machine/machine-types.ts';
import { TIMEBASE_HZ } from '../../machine/platform/memory-map.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import type { ExitHost } from '../modes/mode.ts';
import { TwoStageProcessor } from '../modes/two-stage.ts';
import type { ProcessorSetup } from '../modes/virtual-processor.ts';
import { isKernelCall, KernelCalls } from '../pv/calls/kernel-calls.ts';
import { AFTERWARDS } from '../pv/pv-call.ts';
import { PvConsole } from '../pv/pv-console.ts';
import { watchSharedInfo } from '../pv/shared-info-watch.ts';
import { PVH_CALLS } from './pvh-calls.ts';
import { PvhDomain } from './pvh-domain.ts';

const SSIP = 1n << BigInt(IRQ.SSIP);

export class PvhProcessor extends TwoStageProcessor {
  readonly #setup: ProcessorSetup;
  readonly #domain: PvhDomain;
  readonly #console: PvConsole;
  readonly #calls: KernelCalls<PvhDomain>;
  /** The vCPU whose call is being served. */
  #caller: number | undefined;

  constructor(setup: ProcessorSetup) {
    super(setup.machine);
    this.#setup = setup;
    const { machine, config, costs, sbi, lines, raised, avoided } = setup;
    this.#domain = new PvhDomain({
      machine,
      costs,
      sbi,
      clocks: { timebaseHz: TIMEBASE_HZ, epochSeconds: config.rtcEpochSeconds },
      lines,
      rose: raised,
      kick: (vcpu) => this.#upcall(vcpu),
      placed: (pa) => watchSharedInfo(machine, pa, this.#domain.events, avoided),
    });
    this.#calls = new KernelCalls(this.#domain, PVH_CALLS);
    this.#console = new PvConsole({ events: this.#domain.events, raised });
    setup.addReceiver(this.#console);
  }

  /** A vCPU that is started anew finds the upcall that it was sent before. */
  override start(hart: number): void {
    super.start(hart);
    const { shared } = this.#domain;
    if (shared.place === undefined || !shared.isUpcallPending(hart) || shared.isUpcallMasked(hart)) return;
    this.#setup.machine.setPending(hart, IRQ.SSIP, true);
  }

  ownCall(host: ExitHost, hart: number): boolean {
    const registers = this.#hart(hart);
    if (!isKernelCall(registers)) return false;
    this.#caller = hart;
    const { afterwards } = this.#calls.serve(host, registers);
    this.#caller = undefined;
    if (afterwards === AFTERWARDS.yield) host.yieldTurn();
    // What came while the guest had its upcalls masked is made up for on the way back from any call.
    else if (!this.#upcallIfDue(hart) && afterwards === AFTERWARDS.block) host.waitForInterrupt(hart);
    return true;
  }

  takeInput(maxBytes: number): Uint8Array | undefined {
    return this.#console.take(maxBytes);
  }

  writeState(sink: StateSink): void {
    this.#console.writeStateBeside(this.#domain, sink);
  }

  /** Raises the upcall of a vCPU whose pending flag has just been set, unless it masks upcalls. */
  #upcall(vcpu: number): void {
    if (this.#domain.shared.isUpcallMasked(vcpu)) return;
    const isRemote = this.#caller !== undefined && this.#caller !== vcpu;
    this.#setup.upcall(vcpu, isRemote);
    this.#setup.machine.setPending(vcpu, IRQ.SSIP, true);
  }

  /** Raises an upcall that was masked when it came. Returns whether one is due, or pending already. */
  #upcallIfDue(vcpu: number): boolean {
    const { shared } = this.#domain;
    if (shared.place === undefined || !shared.isUpcallPending(vcpu)) return false;
    if (shared.isUpcallMasked(vcpu)) return true;
    if ((this.#hart(vcpu).csr('mip') & SSIP) === 0n) this.#upcall(vcpu);
    return true;
  }

  #hart(id: number): Hart {
    return must(this.#setup.machine.harts[id], 'a hart of the machine');
  }
}
