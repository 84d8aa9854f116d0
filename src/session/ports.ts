/**
 * The two ports of the run loop. Running, recording and replaying are one loop that differs in what is plugged in here: inputs
 * come from the live host, a script or a trace; the observer is nothing, a recorder or a checker.
 */
import type { VmEvent } from '../hypervisor/events.ts';

/** A place on the one clock of the run. */
export interface Position {
  readonly cycle: number;
  readonly icount: number;
}

/** Who can be given console bytes: the 16550, the virtio console's receive queue, the SBI debug console. */
export type InputPort = 'uart0' | 'virtio-console' | 'dbcn';
export const INPUT_PORTS: readonly InputPort[] = ['uart0', 'virtio-console', 'dbcn'];

/**
 * Console bytes given to the guest, stamped with the place where it took them.
 * `pull`: the guest asked (polled an empty receiver, posted a receive buffer, or waits with a receiver armed), so the place
 * follows from the guest alone. `push`: they came by themselves from a live host and interrupted the guest.
 */
export interface InputRecord extends Position {
  readonly port: InputPort;
  readonly via: 'pull' | 'push';
  readonly bytes: Uint8Array;
}

/** Where inputs come from. Synchronous: host input is queued elsewhere and taken at these points only. */
export interface InputSource {
  /** The guest can take up to `maxBytes` on `port` now. Undefined: nothing now. */
  pull(port: InputPort, now: Position, maxBytes: number): Uint8Array | undefined;
  /** The cycle at which the loop must stop and call `push`; Infinity if none is known. Only a trace knows beforehand. */
  nextPushCycle(now: Position): number;
  /** Asked at each stop of the loop: bytes that come by themselves now, for the port that the loop says is receiving. */
  push(port: InputPort, now: Position, maxBytes: number): Uint8Array | undefined;
  /** True when no call can ever return bytes again: then a guest that only waits for input can be told so. */
  readonly ended: boolean;
}

/** Digest of the whole machine state at a place, by part, so that a difference can be narrowed down. Each is 64 bits. */
export interface StateDigest extends Position {
  readonly memory: bigint;
  readonly harts: bigint;
  readonly devices: bigint;
}

/** How a run ended. */
export const END_REASONS = [
  'poweroff',
  'reset',
  'tohost',
  'finisher',
  'stuck',
  'waits-for-input',
  'max-cycles',
  'interrupted',
] as const;
export type EndReason = (typeof END_REASONS)[number];

export interface RunEnd extends Position {
  readonly reason: EndReason;
  /** The guest's own status: 0 is success. For tohost the code shifted right by one. */
  readonly status: number;
  /** One sentence for people: what ended the run and where. */
  readonly message: string;
}

/** What a run is told to. All calls come in order of position. A checker stops the run by throwing. */
export interface Observer {
  event(event: VmEvent): void;
  input(input: InputRecord): void;
  digest(digest: StateDigest): void;
  /** The last call of a run. */
  end(end: RunEnd): void;
}
