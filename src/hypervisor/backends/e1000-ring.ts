/** A descriptor ring of an e1000 as its registers describe it (SDM 3.2.6, 3.4): checked each time it is looked at. */
import type { GuestMemory } from '../../machine/bus.ts';
import type { E1000Controller } from '../../machine/devices/e1000/e1000.ts';
import { DESCRIPTOR_BYTES } from '../../machine/devices/e1000/e1000-registers.ts';
import { violation } from '../rings/descriptor-chain.ts';
import type { RingEvents } from '../rings/ring-events.ts';
import type { RingViolation } from '../rings/ring-model.ts';
import type { Scheduler } from '../schedule.ts';
import type { BackendTiming } from './backend-timing.ts';
import type { NetWire } from './net-wire.ts';

/** What both directions of the controller are given. */
export interface E1000Parts {
  /** Name in events and in the schedule. */
  readonly name: string;
  readonly memory: GuestMemory;
  readonly schedule: Scheduler;
  readonly events: RingEvents;
  readonly timing: BackendTiming;
  readonly wire: NetWire;
  readonly controller: () => E1000Controller;
}

export interface DescriptorRing {
  /** Number of descriptors: a multiple of 8. */
  readonly count: number;
  readonly head: number;
  readonly tail: number;
  /** Descriptors that the controller owns: from head up to, not including, tail. */
  readonly waiting: number;
  /** Guest physical address of a descriptor, counted from any index. */
  readonly at: (index: number) => number;
}

export type RingLook =
  | { readonly kind: 'ring'; readonly ring: DescriptorRing }
  /** No ring was set up. */
  | { readonly kind: 'none' }
  | { readonly kind: 'violation'; readonly violation: RingViolation };

/** Registers of a ring by direction: a name that is put together is looked up among all strings before it is a key. */
const RING_REGISTERS = {
  R: { length: 'RDLEN', baseHigh: 'RDBAH', baseLow: 'RDBAL', head: 'RDH', tail: 'RDT' },
  T: { length: 'TDLEN', baseHigh: 'TDBAH', baseLow: 'TDBAL', head: 'TDH', tail: 'TDT' },
} as const;

/** The ring of a direction, `R` or `T`. */
export function lookAtRing(memory: GuestMemory, controller: E1000Controller, direction: 'R' | 'T'): RingLook {
  const registers = RING_REGISTERS[direction];
  const lengthBytes = controller.get(registers.length);
  if (lengthBytes === 0) return { kind: 'none' };
  const base = controller.get(registers.baseHigh) * 2 ** 32 + controller.get(registers.baseLow);
  if (!memory.contains(base, lengthBytes)) return refused(violation('queue-outside-ram', BigInt(base)));
  const count = lengthBytes / DESCRIPTOR_BYTES;
  const [head, tail] = [controller.get(registers.head), controller.get(registers.tail)];
  for (const index of [head, tail]) if (index >= count) return refused(violation('head-out-of-range', index));
  const waiting = (tail - head + count) % count;
  return {
    kind: 'ring',
    ring: { count, head, tail, waiting, at: (index) => base + (index % count) * DESCRIPTOR_BYTES },
  };
}

function refused(found: RingViolation): RingLook {
  return { kind: 'violation', violation: found };
}
