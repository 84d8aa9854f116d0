/**
 * A paravirtual guest as a whole: its vCPUs, its page tables, its event channels, and what calls act on. The calls themselves are in
 * `calls/`; how a hart gets in and out of its guest is in `pv-processor.ts`.
 */

import { must } from '../../assert.ts';
import { type Hart, type Machine, PRIVILEGE } from '../../machine/machine-types.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import type { CostPrimitive, CostProfile } from '../costs.ts';
import type { SbiHost } from '../sbi/sbi-types.ts';
import { PAGE_BYTES } from '../shadow/guest-tables.ts';
import { type CallDomain, serveTableEntry } from './calls/call-row.ts';
import { PV_CALLS } from './calls/calls.ts';
import { DeviceBus } from './devices/device-bus.ts';
import type { PvDevice } from './devices/pv-device.ts';
import { DirectPaging } from './direct-paging.ts';
import { EventChannels, VIRQ } from './event-channels.ts';
import { GrantMaps } from './grant-maps.ts';
import { GrantTable } from './grant-table.ts';
import { GuestBuffers } from './guest-buffers.ts';
import type { PvCall } from './pv-call.ts';
import { PV_ERROR, type PvError } from './pv-errors.ts';
import { RootSpaces } from './root-spaces.ts';
import { SharedInfo } from './shared-info.ts';
import type { StartOfDay } from './start-of-day.ts';

/** A 64-bit value in two unsigned halves: an address of the guest, which can be anything. */
export interface Halves {
  readonly low: number;
  readonly high: number;
}

export const CALLBACKS = ['event', 'trap', 'syscall'] as const;
export type Callback = (typeof CALLBACKS)[number];

export interface Vcpu {
  /** Frames of the roots; undefined: none. */
  kernelRoot: number | undefined;
  userRoot: number | undefined;
  readonly callbacks: Record<Callback, Halves | undefined>;
  /** Ports one of which it waits for; undefined: it does not poll. */
  polled: readonly number[] | undefined;
}

export interface DomainOptions {
  readonly machine: Machine;
  readonly costs: CostProfile;
  readonly sbi: SbiHost;
  readonly start: StartOfDay;
  readonly devices: readonly PvDevice[];
  /** Where the map of `Virtualization.countFirstUses` stands. */
  readonly firstUseMap: number;
  /** A device sends an event: charges and tells of it. */
  readonly raised: (device: string, port: number) => void;
  /** A vCPU has been sent an event that it is to look at: it wakes, and is entered at its callback if it lets events in. */
  readonly kick: (vcpu: number) => void;
}

export class PvDomain implements CallDomain {
  readonly machine: Machine;
  readonly sbi: SbiHost;
  readonly paging: DirectPaging;
  readonly shared: SharedInfo;
  readonly buffers: GuestBuffers;
  readonly events: EventChannels;
  readonly grants: GrantTable;
  readonly maps: GrantMaps;
  readonly devices: DeviceBus;
  readonly vcpus: readonly Vcpu[];
  readonly #costs: CostProfile;
  readonly #spaces: RootSpaces;
  readonly #initialRoot: number;

  constructor({ machine, costs, sbi, start, devices, firstUseMap, raised, kick }: DomainOptions) {
    const { memory, virtualization, harts } = machine;
    this.machine = machine;
    this.sbi = sbi;
    this.#costs = costs;
    this.paging = new DirectPaging(memory, {
      frame: (frame) => {
        for (const { id } of harts) virtualization.flushPage(id, frame * PAGE_BYTES);
      },
      // The initial tables map memory where it is: a change there is only how the kernel sees a page.
      written: (pa, entryCount) => {
        if (pa < start.root) virtualization.forgetFirstUses(firstUseMap, pa, entryCount);
      },
    });
    this.shared = new SharedInfo(memory, start.sharedInfo);
    this.buffers = new GuestBuffers(memory, this.paging);
    this.events = new EventChannels({
      shared: this.shared,
      vcpuCount: harts.length,
      virqs: [VIRQ.timer, VIRQ.console],
      kick,
      arrived: (port) => {
        for (const { id } of harts) if (this.vcpu(id).polled?.includes(port)) kick(id);
      },
    });
    this.grants = new GrantTable(memory, this.paging);
    this.maps = new GrantMaps(memory, this.paging, this.grants);
    this.devices = new DeviceBus({ devices, grants: this.grants, events: this.events, raised });
    this.vcpus = harts.map(() => ({
      kernelRoot: undefined,
      userRoot: undefined,
      callbacks: { event: undefined, trap: undefined, syscall: undefined },
      polled: undefined,
    }));
    this.#spaces = new RootSpaces(virtualization, harts.length);
    this.#initialRoot = start.root / PAGE_BYTES;
    must(this.paging.pin(this.#initialRoot, 3) === 0 || undefined, 'initial tables that are valid');
    const held = this.paging.holdWritable(start.sharedInfo / PAGE_BYTES);
    must(held === 0 || undefined, 'a shared-info page that is no table');
    this.paging.takeValidated();
  }

  vcpu(id: number): Vcpu {
    return must(this.vcpus[id], 'a vCPU of the domain');
  }

  hart(id: number): Hart {
    return must(this.machine.harts[id], 'a hart of the machine');
  }

  charge(call: PvCall, primitive: CostPrimitive, count = 1): void {
    call.cycles += this.#costs.primitives[primitive].handling.cycles * count;
  }

  serveEntry(vcpu: number, number: number, call: PvCall): number {
    return serveTableEntry(PV_CALLS, this, vcpu, number, call);
  }

  /** Puts a vCPU at its start: initial tables, no callbacks, events masked. A root that the guest has given up is none. */
  startVcpu(id: number): void {
    const vcpu = this.vcpu(id);
    for (const callback of CALLBACKS) vcpu.callbacks[callback] = undefined;
    this.#setUserRoot(id, undefined);
    const root = this.paging.types.useOf(this.#initialRoot) === 3 ? this.#initialRoot : undefined;
    if (root !== undefined) this.paging.takeTable(root, 3);
    this.#setKernelRoot(id, root);
    this.shared.setUpcallMask(id, true);
  }

  /** Gives back what a vCPU that has stopped has loaded. */
  unload(id: number): void {
    this.#setUserRoot(id, undefined);
    this.#setKernelRoot(id, undefined);
  }

  /** Loads a kernel table, which it validates if it is none yet. */
  loadKernelRoot(id: number, frame: number): PvError | 0 {
    const error = this.paging.takeTable(frame, 3);
    if (error === 0) this.#setKernelRoot(id, frame);
    return error;
  }

  /** @param frame undefined: none */
  loadUserRoot(id: number, frame: number | undefined): PvError | 0 {
    const error = frame === undefined ? 0 : this.paging.takeTable(frame, 3);
    if (error === 0) this.#setUserRoot(id, frame);
    return error;
  }

  /** The vCPU number of an argument. */
  checkVcpu(id: number): PvError | 0 {
    return id < this.vcpus.length ? 0 : PV_ERROR.ENOENT;
  }

  writeState(sink: StateSink): void {
    sink.beginList('vcpus');
    for (const vcpu of this.vcpus) writeVcpu(sink, vcpu);
    sink.end();
    sink.state('spaces', this.#spaces);
    sink.state('events', this.events);
    sink.state('grants', this.grants);
    sink.state('maps', this.maps);
    sink.state('devices', this.devices);
  }

  #setKernelRoot(id: number, frame: number | undefined): void {
    const vcpu = this.vcpu(id);
    const before = vcpu.kernelRoot;
    vcpu.kernelRoot = frame;
    this.#setRoot(id, PRIVILEGE.S, frame);
    if (before !== undefined) this.paging.dropTable(before);
  }

  #setUserRoot(id: number, frame: number | undefined): void {
    const vcpu = this.vcpu(id);
    const before = vcpu.userRoot;
    vcpu.userRoot = frame;
    this.#setRoot(id, PRIVILEGE.U, frame);
    if (before !== undefined) this.paging.dropTable(before);
  }

  #setRoot(id: number, privilege: 0 | 1, frame: number | undefined): void {
    const space = frame === undefined ? 0 : this.#spaces.of(frame, this.#isLoaded);
    this.machine.virtualization.setRoot(id, privilege, frame === undefined ? undefined : frame * PAGE_BYTES, space);
  }

  readonly #isLoaded = (root: number): boolean =>
    this.vcpus.some(({ kernelRoot, userRoot }) => kernelRoot === root || userRoot === root);
}

function writeVcpu(sink: StateSink, { kernelRoot, userRoot, callbacks, polled }: Vcpu): void {
  sink.begin(undefined);
  sink.value('kernelRoot', kernelRoot ?? 0);
  sink.value('userRoot', userRoot ?? 0);
  sink.beginList('callbacks');
  for (const name of CALLBACKS) {
    sink.begin(undefined);
    sink.value('low', callbacks[name]?.low ?? 0);
    sink.value('high', callbacks[name]?.high ?? 0);
    sink.end();
  }
  sink.end();
  sink.value('polled', [...(polled ?? [])]);
  sink.end();
}
