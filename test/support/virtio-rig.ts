/**
 * A machine as small as virtio devices allow: RAM, a clock that a test moves, the schedule, one interrupt line and the events
 * in order.
 */

import { DEFAULT_BACKEND_TIMING } from '../../src/hypervisor/backends/backend-timing.ts';
import type { BackendOptions } from '../../src/hypervisor/backends/virtio-backend.ts';
import type { RingEvent } from '../../src/hypervisor/rings/ring-events.ts';
import { Schedule } from '../../src/hypervisor/schedule.ts';
import type { IrqLine } from '../../src/machine/bus.ts';
import type { VirtioDevice } from '../../src/machine/devices/virtio-device.ts';
import { VirtioMmio } from '../../src/machine/devices/virtio-mmio.ts';
import { ArrayMemory } from './array-memory.ts';
import { listRingEvents } from './ring-event-list.ts';

export const SLOT_BASE = 0x10001000;

export class VirtioRig {
  readonly memory: ArrayMemory;
  readonly clock = { cycle: 0 };
  readonly schedule = new Schedule(this.clock);
  readonly events: RingEvent[] = [];
  /** Level of the interrupt line, and how often it rose. */
  readonly irq: IrqLine & { level: boolean; rises: number } = {
    level: false,
    rises: 0,
    set(level: boolean): void {
      if (level && !this.level) this.rises++;
      this.level = level;
    },
  };

  constructor(memoryBytes = 256 * 1024) {
    this.memory = new ArrayMemory(memoryBytes);
  }

  /** What every back end is given here. */
  backendOptions(name = 'dev'): BackendOptions {
    const { memory, schedule, events } = this;
    return {
      name,
      memory,
      schedule,
      timing: DEFAULT_BACKEND_TIMING,
      events: listRingEvents(events),
    };
  }

  slot(device?: VirtioDevice): VirtioMmio {
    const options = { name: 'virtio0', base: SLOT_BASE, irq: this.irq };
    return new VirtioMmio(device === undefined ? options : { ...options, device });
  }

  /** Moves the clock to the next due task and runs it; false if nothing is pending. */
  step(): boolean {
    const next = this.schedule.next();
    if (next === Number.POSITIVE_INFINITY) return false;
    this.clock.cycle = Math.max(this.clock.cycle, next);
    this.schedule.runDue();
    return true;
  }

  /** Runs pending work until there is none. Throws after `stepsMax`: a device must come to rest. */
  settle(stepsMax = 10_000): void {
    for (let steps = 0; this.step(); steps++) {
      if (steps >= stepsMax) throw new Error(`still busy after ${stepsMax} steps`);
    }
  }

  /** Kinds of the events so far, in order. */
  kinds(): string[] {
    return this.events.map((event) => event.kind);
  }

  /** Events of one kind. */
  of<K extends RingEvent['kind']>(kind: K): Extract<RingEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<RingEvent, { kind: K }> => event.kind === kind);
  }
}
