/** What SBI calls do to the machine: the line between the specification's functions (`sbi/`) and the virtual machine around them. */
import { IRQ } from '../machine/bus.ts';
import type { Machine } from '../machine/machine-types.ts';
import { enterSupervisor } from './boot.ts';
import type { ConsoleInput } from './console-input.ts';
import type { EventStream } from './event-stream.ts';
import type { Exits } from './exits.ts';
import type { HartStates, ResumePoint } from './harts.ts';
import type { Mode } from './modes/mode.ts';
import type { SbiHost } from './sbi/sbi-types.ts';
import type { StealTime } from './steal-time.ts';

export interface SbiServicesOptions {
  readonly machine: Machine;
  readonly harts: HartStates;
  readonly mode: Mode;
  readonly events: EventStream;
  readonly input: ConsoleInput;
  /** Charges and stamps; made after this, so asked for when it is needed. */
  readonly exits: () => Exits;
  readonly output: (bytes: Uint8Array) => void;
  readonly timerChanged: (hart: number) => void;
  /** Undefined where nobody withholds harts. */
  readonly stealTime: StealTime | undefined;
  /** Input that was taken before the guest asked for it; undefined if there is none. */
  readonly inputTaken: (maxBytes: number) => Uint8Array | undefined;
  /** A hart has stopped. */
  readonly stopped: (hart: number) => void;
  /** A hart has been put at a new start. */
  readonly restarted: (hart: number) => void;
  readonly reset: (kind: 'shutdown' | 'reboot', failed: boolean) => void;
}

export class SbiServices implements SbiHost {
  readonly machine: Machine;
  readonly harts: HartStates;
  readonly stealTime: StealTime | undefined;
  readonly #options: SbiServicesOptions;

  constructor(options: SbiServicesOptions) {
    this.#options = options;
    this.machine = options.machine;
    this.harts = options.harts;
    this.stealTime = options.stealTime;
  }

  writeConsole(bytes: Uint8Array): void {
    this.#options.output(bytes);
  }

  readConsole(maxBytes: number): Uint8Array {
    const { inputTaken, input } = this.#options;
    return inputTaken(maxBytes) ?? input.poll('dbcn', maxBytes) ?? new Uint8Array();
  }

  sendIpi(target: number): void {
    this.machine.setPending(target, IRQ.SSIP, true);
    this.#options.mode.privileged.ipi(this.#options.exits(), target);
  }

  reachHarts(count: number): void {
    this.#options.exits().reachHarts(count);
  }

  timerChanged(hart: number): void {
    this.#options.timerChanged(hart);
  }

  startHart(target: number, pc: bigint, opaque: bigint): void {
    this.harts.start(target);
    this.machine.setPending(target, IRQ.SSIP, false);
    enterSupervisor(this.machine, target, { pc, opaque });
    this.#options.restarted(target);
    this.timerChanged(target);
  }

  stopHart(hart: number): void {
    this.harts.stop(hart);
    this.stealTime?.end(hart);
    this.#options.stopped(hart);
    this.#stateChanged(hart, 'stopped');
  }

  suspendHart(hart: number, resume: ResumePoint | undefined): void {
    this.harts.suspend(hart, resume);
    this.#stateChanged(hart, 'suspended');
  }

  mark(hart: number, label: string, value: bigint): void {
    this.#options.events.emit('mark', hart, { by: 'guest', label, value });
  }

  resetSystem(kind: 'shutdown' | 'reboot', failed: boolean): void {
    this.#options.reset(kind, failed);
  }

  #stateChanged(target: number, state: string): void {
    this.#options.events.emit('hartState', target, { target, state });
  }
}
