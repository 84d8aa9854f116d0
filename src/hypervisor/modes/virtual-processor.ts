/**
 * What a mode does with a virtualized hart when it stops: the line between the loop of the virtual machine and the two ways to virtualize
 * a processor.
 */

import { CAUSE } from '../../machine/engine/stops.ts';
import type { Machine } from '../../machine/machine-types.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import type { AvoidedExits } from '../avoided-exits.ts';
import type { Receiver } from '../console-input.ts';
import type { CostProfile } from '../costs.ts';
import type { PirqLines } from '../pv/event-channels.ts';
import type { RingEvents } from '../rings/ring-events.ts';
import type { SbiHost } from '../sbi/sbi-types.ts';
import type { Scheduler } from '../schedule.ts';
import type { VmConfig, VmImages } from '../vm-config.ts';
import type { ExitHost } from './mode.ts';

export interface VirtualProcessor {
  /** Sets a hart up before its guest first executes, and again each time it is started anew. */
  start(hart: number): void;
  /** After `STOP.guestTrap`. */
  guestTrap(host: ExitHost, hart: number): void;
  /** After `STOP.guestInterrupt`: the guest takes the interrupt. */
  guestInterrupt(host: ExitHost, hart: number): void;
  /** After `STOP.secondStageFault`. */
  secondStageFault(host: ExitHost, hart: number): void;
  /** Serves a pending `ecall` of the kernel that is a call of the processor's own, and none of the SBI; false: it is none. */
  ownCall?(host: ExitHost, hart: number): boolean;
  /** The timer of a hart has expired. Only where the interrupt axis passes it on. */
  timerExpired?(host: ExitHost, hart: number): void;
  /** A hart has stopped, until it is started anew. */
  stopped?(hart: number): void;
  /** Input of the debug console that the processor has taken already; undefined if there is none. */
  takeInput?(maxBytes: number): Uint8Array | undefined;
  /** The host is to write to RAM at that address at any time. False if it may not. */
  holdShared?(pa: number): boolean;
  /** Gives back what {@link holdShared} has taken. */
  releaseShared?(pa: number): void;
  /** What it holds beside harts and memory, if anything. */
  writeState?(sink: StateSink): void;
}

/** What processors are made of, when the guest has been loaded. */
export interface ProcessorSetup {
  readonly machine: Machine;
  readonly config: VmConfig;
  readonly guest: { readonly deviceTree: number };
  readonly costs: CostProfile;
  readonly sbi: SbiHost;
  readonly images: VmImages;
  /** For ring devices that come with the processor. */
  readonly schedule: Scheduler;
  readonly events: RingEvents;
  readonly avoided: AvoidedExits;
  /** An event is sent to the guest by a device or back end: tells of it and charges it. */
  readonly raised: (source: string, port: number) => void;
  /** The upcall of a vCPU is raised in it, if `isRemote` from a call of another: likewise. */
  readonly upcall: (vcpu: number, isRemote: boolean) => void;
  /** Lines of devices, for guests that take them elsewhere than to the interrupt controller. */
  readonly lines: PirqLines;
  /** Has a console that is no device of the bus given input. */
  readonly addReceiver: (receiver: Receiver) => void;
  /** The guest can never go on: ends the run. */
  readonly crashed: (message: string) => void;
}

/** Makes the processors of one virtual machine. */
export type VirtualProcessorMaker = (setup: ProcessorSetup) => VirtualProcessor;

/** The access fault for a kind of access, by `ACCESS_TYPE`. */
export const ACCESS_FAULTS = [CAUSE.loadAccess, CAUSE.storeAccess, CAUSE.fetchAccess] as const;
