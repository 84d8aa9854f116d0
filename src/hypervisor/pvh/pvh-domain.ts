/**
 * A hardware-assisted guest that knows of the hypervisor: its event channels, the page it shares with the hypervisor, and what its calls act
 * on. The calls themselves are in `pvh-calls.ts` and `../pv/calls/`.
 */

import type { GuestMemory } from '../../machine/bus.ts';
import type { Machine } from '../../machine/machine-types.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import type { CostPrimitive, CostProfile } from '../costs.ts';
import { type CallDomain, serveTableEntry } from '../pv/calls/call-row.ts';
import { EventChannels, type PirqLines, VIRQ } from '../pv/event-channels.ts';
import { GuestBuffers, type WritableRam } from '../pv/guest-buffers.ts';
import type { PvCall } from '../pv/pv-call.ts';
import { PV_ERROR, type PvError } from '../pv/pv-errors.ts';
import { SharedInfo } from '../pv/shared-info.ts';
import { type ClockFacts, sharedInfoPage } from '../pv/start-of-day.ts';
import type { SbiHost } from '../sbi/sbi-types.ts';
import { PAGE_BYTES } from '../shadow/guest-tables.ts';
import { PVH_CALLS } from './pvh-calls.ts';

export interface PvhDomainOptions {
  readonly machine: Machine;
  readonly costs: CostProfile;
  readonly sbi: SbiHost;
  readonly clocks: ClockFacts;
  readonly lines: PirqLines;
  /** The line of a device has risen that comes by a port: tells of it and charges it. */
  readonly rose: (device: string, port: number) => void;
  /** A vCPU has been sent an event that it is to look at. */
  readonly kick: (vcpu: number) => void;
  /** The guest has placed the shared-info page. */
  readonly placed: (pa: number) => void;
}

export class PvhDomain implements CallDomain {
  readonly machine: Machine;
  readonly sbi: SbiHost;
  readonly shared: SharedInfo;
  readonly buffers: GuestBuffers;
  readonly events: EventChannels;
  readonly #options: PvhDomainOptions;

  constructor(options: PvhDomainOptions) {
    const { machine, sbi, lines, rose, kick } = options;
    this.#options = options;
    this.machine = machine;
    this.sbi = sbi;
    this.shared = new SharedInfo(machine.memory);
    this.buffers = new GuestBuffers(machine.memory, allOf(machine.memory));
    this.events = new EventChannels({
      shared: this.shared,
      vcpuCount: machine.harts.length,
      virqs: [VIRQ.console],
      kick,
      arrived: () => {},
      pirqs: { lines, rose },
    });
  }

  /** Makes a page of the guest's RAM the shared-info page: once. What it held is gone. */
  placeSharedInfo(pa: number): PvError | 0 {
    const { machine, clocks, placed } = this.#options;
    if (!machine.memory.contains(pa, PAGE_BYTES)) return PV_ERROR.EINVAL;
    if (this.shared.place !== undefined) return PV_ERROR.EEXIST;
    machine.memory.writeBytes(pa, sharedInfoPage(clocks));
    this.shared.placeAt(pa);
    placed(pa);
    return 0;
  }

  charge(call: PvCall, primitive: CostPrimitive, count = 1): void {
    call.cycles += this.#options.costs.primitives[primitive].handling.cycles * count;
  }

  serveEntry(vcpu: number, number: number, call: PvCall): number {
    return serveTableEntry(PVH_CALLS, this, vcpu, number, call);
  }

  writeState(sink: StateSink): void {
    sink.value('sharedInfo', this.shared.place ?? 0);
    sink.state('events', this.events);
  }
}

/** A guest's page tables are its own hardware's affair here: whatever the host writes can harm the guest alone. */
function allOf(memory: GuestMemory): WritableRam {
  return { isWritable: (pa, lengthBytes) => memory.contains(pa, lengthBytes) };
}
