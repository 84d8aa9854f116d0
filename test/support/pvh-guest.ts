/** A guest of mode `pvh` without a guest: calls made directly on its domain, over a machine in memory that never runs. */
import { must } from '../../src/assert.ts';
import { costProfile, DEFAULT_COST_PROFILE } from '../../src/hypervisor/costs.ts';
import { IrqLines } from '../../src/hypervisor/irq-lines.ts';
import { callRow, serveCall } from '../../src/hypervisor/pv/calls/call-row.ts';
import { PvCall } from '../../src/hypervisor/pv/pv-call.ts';
import { pvErrorName } from '../../src/hypervisor/pv/pv-errors.ts';
import { PVH_CALLS } from '../../src/hypervisor/pvh/pvh-calls.ts';
import { PvhDomain } from '../../src/hypervisor/pvh/pvh-domain.ts';
import type { IrqLine } from '../../src/machine/bus.ts';
import { CORE_PROFILES } from '../../src/machine/core-profiles.ts';
import { createMachine } from '../../src/machine/create-machine.ts';
import type { Machine } from '../../src/machine/machine-types.ts';
import { PAGE, quietSbiHost, setArguments } from './direct-calls.ts';

/** Sources that have a line. */
export const SOURCES = [1, 2, 3] as const;

export class PvhGuest {
  readonly machine: Machine;
  readonly domain: PvhDomain;
  /** vCPUs that were sent an upcall. */
  readonly kicked: number[] = [];
  readonly placed: number[] = [];
  /** Ends of lines as devices hold them, by source. */
  readonly devices: ReadonlyMap<number, IrqLine>;
  /** Levels at the interrupt controller. */
  readonly controller = new Map<number, boolean>();
  readonly #call = new PvCall();

  constructor(memoryBytes = 2 ** 20, hartCount = 2) {
    this.machine = createMachine(
      {
        hartCount,
        memoryBytes,
        core: must(CORE_PROFILES.rocket, 'a core'),
        misaligned: 'hardware',
        adUpdate: 'hardware',
        supervisorCallsStop: true,
      },
      'interpreter',
    );
    const lines = new IrqLines(() => {});
    this.devices = new Map(
      SOURCES.map((source) => {
        const controller = { set: (level: boolean) => void this.controller.set(source, level) };
        return [source, lines.connect(`device${source}`, source, controller)];
      }),
    );
    this.domain = new PvhDomain({
      machine: this.machine,
      costs: costProfile(DEFAULT_COST_PROFILE),
      clocks: { timebaseHz: 1, epochSeconds: 1 },
      lines,
      rose: () => {},
      kick: (vcpu) => void this.kicked.push(vcpu),
      placed: (pa) => void this.placed.push(pa),
      sbi: quietSbiHost(this.machine, hartCount, {
        readConsole: (maxBytes) => new Uint8Array(Math.min(maxBytes, 3)),
      }),
    });
  }

  page(index: number): number {
    return this.machine.memory.base + index * PAGE;
  }

  /** Makes a call. Returns 0 or the name of the error. */
  call(number: number, ...args: readonly (number | bigint)[]): string | 0 {
    const call = this.#call;
    setArguments(call, args);
    const error = serveCall(this.domain, 0, callRow(PVH_CALLS, number), call);
    return error === 0 ? 0 : must(pvErrorName(error), 'the name of an error');
  }

  /** An operation of a call whose structure, at the start of page 0, has these words of 32 bits. */
  operation(number: number, code: number, ...words: readonly number[]): string | 0 {
    this.write32(this.page(0), ...words);
    return this.call(number, code, this.page(0));
  }

  /** Asks for the shared-info page at a physical address that is a multiple of a page. */
  place(pa: number | bigint, domain = 0x7ff0, space = 0, index = 0n): string | 0 {
    const { memory } = this.machine;
    this.write32(this.page(0), domain, space);
    memory.write64(this.page(0) + 8, index);
    memory.write64(this.page(0) + 16, BigInt.asUintN(64, BigInt(pa) >> 12n));
    return this.call(12, 7, this.page(0));
  }

  write32(pa: number, ...values: readonly number[]): void {
    values.forEach((value, index) => {
      this.machine.memory.write32(pa + index * 4, value >>> 0);
    });
  }
}
