/**
 * What a virtual machine is connected to, as the hypervisor sees it. `session/ports.ts` shows the same types to recorders,
 * replayers and hosts; they live here because the hypervisor may not import the session.
 */
import type { EventTaker } from './event-row.ts';

/** A place on the one clock of the run. */
export interface Position {
  readonly cycle: number;
  readonly icount: number;
}

/** Who can be given console bytes: the 16550, the virtio console's receive queue, the SBI debug console. */
export type InputPort = 'uart0' | 'virtio-console' | 'dbcn';
export const INPUT_PORTS: readonly InputPort[] = ['uart0', 'virtio-console', 'dbcn'];

/** What an input is recorded for: a console, or a mark of the user, which the guest knows nothing of. */
export type RecordPort = InputPort | 'mark';

/**
 * Console bytes given to the guest, stamped with the place where it took them.
 * `pull`: the guest asked (polled an empty receiver, posted a receive buffer, or waits with a receiver armed), so the place
 * follows from the guest alone. `push`: they came by themselves from a live host and interrupted the guest.
 */
export interface InputRecord extends Position {
  readonly port: RecordPort;
  readonly via: 'pull' | 'push';
  /**
   * Empty in exactly one record, after which only marks come: the end of the input, which is an input itself (`push` on `uart0`).
   * Of a mark, its name in UTF-8.
   */
  readonly bytes: Uint8Array;
}

/**
 * Where inputs come from. Synchronous: host input is queued elsewhere and taken at these points only. The loop asks `push` and
 * `hasEnded` at most once per position (again only while every hart idles there), so a replay answers by position alone. `now` is
 * the clock itself: it goes on after the call.
 */
export interface InputSource {
  /** The guest can take up to `maxBytes` on `port` now. Undefined: nothing now. */
  pull(port: InputPort, now: Position, maxBytes: number): Uint8Array | undefined;
  /**
   * The cycle after `now` at which the loop must stop and ask `push` and `hasEnded`; Infinity if none is known. Only a trace
   * knows beforehand: the cycle of its next `push` record, the end of the input included.
   */
  nextPushCycle(now: Position): number;
  /** Asked at each stop of the loop: bytes that come by themselves now, for the port that the loop says is receiving. */
  push(port: InputPort, now: Position, maxBytes: number): Uint8Array | undefined;
  /**
   * Whether no call can ever return bytes again: then a guest that only waits for input can be told so. The loop records the
   * first true as an input without bytes; a trace answers true from the position of that record on.
   */
  hasEnded(now: Position): boolean;
  /** Asked where `push` is: the name that the user gives to this place, until it is undefined. */
  mark?(now: Position): string | undefined;
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

/** Which of the guest's consoles wrote: the 16550, the virtio console, the SBI debug console. */
export type ConsoleStream = InputPort;

/** Where console output goes: not part of the events, because it follows from them and the guest. */
export interface ConsoleSink {
  write(stream: ConsoleStream, bytes: Uint8Array): void;
}

/** What a virtual machine tells while it runs, in order of position. */
export interface VmObserver extends EventTaker {
  input(input: InputRecord): void;
}

export interface VmPorts {
  readonly input: InputSource;
  readonly observer: VmObserver;
  readonly console: ConsoleSink;
}
