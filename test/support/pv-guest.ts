/** A paravirtual guest without a guest: calls made directly on its domain, over a machine in memory that never runs. */
import { costProfile, DEFAULT_COST_PROFILE } from '../../src/hypervisor/costs.ts';
import { callRow, serveCall } from '../../src/hypervisor/pv/calls/call-row.ts';
import { PV_CALLS } from '../../src/hypervisor/pv/calls/calls.ts';
import { makePvDevices } from '../../src/hypervisor/pv/devices/pv-devices.ts';
import { FRAME_USE } from '../../src/hypervisor/pv/frame-types.ts';
import { PvCall } from '../../src/hypervisor/pv/pv-call.ts';
import { PvDomain } from '../../src/hypervisor/pv/pv-domain.ts';
import { pvErrorName } from '../../src/hypervisor/pv/pv-errors.ts';
import { type StartOfDay, startOfDayBytes, writeStartOfDay } from '../../src/hypervisor/pv/start-of-day.ts';
import type { RingEvent } from '../../src/hypervisor/rings/ring-events.ts';
import { Schedule } from '../../src/hypervisor/schedule.ts';
import { CORE_PROFILES } from '../../src/machine/core-profiles.ts';
import { createMachine } from '../../src/machine/create-machine.ts';
import type { Machine } from '../../src/machine/machine-types.ts';
import { firstUseMapBytes, VIRTUALIZATION } from '../../src/machine/virtualization-types.ts';
import { PAGE, quietSbiHost, setArguments } from './direct-calls.ts';
import { listRingEvents } from './ring-event-list.ts';

export class PvGuest {
  readonly machine: Machine;
  readonly domain: PvDomain;
  readonly start: StartOfDay;
  readonly printed: string[] = [];
  readonly resets: string[] = [];
  readonly kicked: number[] = [];
  /** Devices that have sent an event to the guest. */
  readonly raised: string[] = [];
  readonly ringEvents: RingEvent[] = [];
  readonly schedule: Schedule;
  /** What the console has to read. */
  input: Uint8Array = new Uint8Array();
  /** Cycles of work of the last call. */
  cycles = 0;
  readonly #call = new PvCall();

  constructor(memoryBytes = 4 * 2 ** 20) {
    const core = CORE_PROFILES.rocket;
    if (core === undefined) throw new Error('a core profile');
    const machine = createMachine(
      {
        hartCount: 1,
        memoryBytes,
        hostMemoryBytes: firstUseMapBytes(memoryBytes),
        core,
        misaligned: 'hardware',
        adUpdate: 'hardware',
        supervisorCallsStop: true,
      },
      'interpreter',
    );
    this.machine = machine;
    machine.virtualization.start(0, VIRTUALIZATION.deprivileged);
    this.schedule = new Schedule(machine.clock);
    const devices = makePvDevices({
      memory: machine.memory,
      config: { net: { latencyCycles: 1000 } },
      drives: [Uint8Array.from({ length: 65_536 }, (_, index) => index % 251)],
      schedule: this.schedule,
      events: listRingEvents(this.ringEvents),
    });
    this.start = writeStartOfDay(machine.memory, {
      vcpuCount: 1,
      deviceTree: 0,
      timebaseHz: 1,
      epochSeconds: 1_000_000_000,
      commandLine: '',
      devices: devices.map(({ info }) => info),
    });
    this.domain = new PvDomain({
      machine,
      costs: costProfile(DEFAULT_COST_PROFILE),
      start: this.start,
      devices,
      firstUseMap: machine.hostMemory.base,
      raised: (device) => void this.raised.push(device),
      kick: (vcpu) => void this.kicked.push(vcpu),
      sbi: quietSbiHost(machine, 1, {
        writeConsole: (bytes) => void this.printed.push(new TextDecoder().decode(bytes)),
        readConsole: (maxBytes) => this.input.subarray(0, maxBytes),
        resetSystem: (kind) => void this.resets.push(kind),
      }),
    });
    this.domain.startVcpu(0);
  }

  /** First physical address that is not free, and that of free page `index`. */
  get usableEnd(): number {
    const { memory } = this.machine;
    return memory.base + memory.sizeBytes - startOfDayBytes(memory.sizeBytes);
  }

  page(index: number): number {
    return this.machine.memory.base + index * PAGE;
  }

  /** Makes a call. Returns 0 or the name of the error. */
  call(number: number, ...args: readonly (number | bigint)[]): string | 0 {
    const call = this.#call;
    setArguments(call, args);
    const error = serveCall(this.domain, 0, callRow(PV_CALLS, number), call);
    this.cycles = call.cycles;
    return error === 0 ? 0 : (pvErrorName(error) ?? `error ${error}`);
  }

  get value(): number {
    return this.#call.value;
  }

  write64(pa: number, ...values: readonly (number | bigint)[]): void {
    values.forEach((value, index) => {
      this.machine.memory.write64(pa + index * 8, BigInt.asUintN(64, BigInt(value)));
    });
  }

  write32(pa: number, ...values: readonly number[]): void {
    values.forEach((value, index) => {
      this.machine.memory.write32(pa + index * 4, value >>> 0);
    });
  }

  /** Lets time pass, and devices do what comes due. */
  pass(cycles: number): void {
    const end = this.machine.clock.cycle + cycles;
    for (let next = this.schedule.next(); next <= end; next = this.schedule.next()) {
      this.machine.charge(Math.max(0, next - this.machine.clock.cycle));
      this.schedule.runDue();
    }
    this.machine.charge(end - this.machine.clock.cycle);
  }

  /** A table entry that leads to a physical address. */
  entry(pa: number, flags: number): bigint {
    return (BigInt(pa / PAGE) << 10n) | BigInt(flags);
  }

  use(pa: number): number {
    return this.domain.paging.types.useOf(pa / PAGE);
  }

  /**
   * Counts all uses of all frames anew from memory, and compares: no table may be mapped writable, and every count must be right.
   * @returns what is wrong
   */
  check(): string[] {
    const { memory } = this.machine;
    const { types } = this.domain.paging;
    const first = memory.base / PAGE;
    const count = memory.sizeBytes / PAGE;
    const wrong: string[] = [];
    const expected = new Uint32Array(count);
    const writable = new Uint8Array(count);
    const add = (frame: number) => {
      expected[frame - first] = (expected[frame - first] ?? 0) + 1;
    };
    add(this.start.sharedInfo / PAGE);
    for (const frame of this.domain.grants.frames) add(frame);
    for (const pa of this.domain.devices.heldPages) add(pa / PAGE);
    for (const { kernelRoot, userRoot } of this.domain.vcpus) {
      if (kernelRoot !== undefined) add(kernelRoot);
      if (userRoot !== undefined) add(userRoot);
    }
    for (let frame = first; frame < first + count; frame++) {
      if (types.isPinned(frame)) add(frame);
      const use = types.useOf(frame);
      if (use === FRAME_USE.none || use === FRAME_USE.writable) continue;
      for (let index = 0; index < 512; index++) {
        const low = memory.read32(frame * PAGE + index * 8);
        if ((low & 1) === 0) continue;
        const target = low >>> 10;
        if (!types.owns(target)) {
          wrong.push(`frame ${frame - first} leads outside RAM`);
          continue;
        }
        if (use === FRAME_USE.level1) {
          if ((low & 4) === 0) continue;
          writable[target - first] = 1;
        }
        add(target);
      }
    }
    for (let index = 0; index < count; index++) {
      const frame = first + index;
      const use = types.useOf(frame);
      if (types.countOf(frame) !== expected[index]) {
        wrong.push(`frame ${index} is counted ${types.countOf(frame)} times, used ${expected[index]} times`);
      }
      if (writable[index] === 1 && use !== FRAME_USE.writable)
        wrong.push(`frame ${index}, of use ${use}, is mapped writable`);
    }
    return wrong;
  }
}
