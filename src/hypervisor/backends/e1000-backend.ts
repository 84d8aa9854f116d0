/** What is behind the registers of an e1000: its two rings, the wire, and the timer that throttles its interrupts. */

import { assert, must } from '../../assert.ts';
import type { E1000Controller, E1000Engine } from '../../machine/devices/e1000/e1000.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import { E1000Receiver } from './e1000-receiver.ts';
import type { E1000Parts } from './e1000-ring.ts';
import { E1000Transmitter } from './e1000-transmitter.ts';

export class E1000Backend implements E1000Engine {
  readonly #parts: E1000Parts;
  readonly #throttleTarget: string;
  readonly #transmitter: E1000Transmitter;
  readonly #receiver: E1000Receiver;
  #controller: E1000Controller | undefined;

  constructor(options: Omit<E1000Parts, 'controller'>) {
    const controller = () => must(this.#controller, `${options.name} has no registers`);
    this.#parts = { ...options, controller };
    this.#transmitter = new E1000Transmitter(this.#parts);
    this.#receiver = new E1000Receiver(this.#parts);
    this.#throttleTarget = `${options.name}.itr`;
    options.schedule.register(this.#throttleTarget, () => controller().throttleExpired());
  }

  /** The registers in front. Called once. */
  connect(controller: E1000Controller): void {
    assert(this.#controller === undefined, `${this.#parts.name} is connected twice`);
    this.#controller = controller;
  }

  /** A model cycle is a nanosecond on the bundled core profiles. */
  get nowNanoseconds(): number {
    return this.#parts.schedule.now;
  }

  lookTransmit(doorbell: boolean): void {
    this.#transmitter.look(doorbell);
  }

  lookReceive(doorbell: boolean): void {
    this.#receiver.look(doorbell);
  }

  throttle(nanoseconds: number): void {
    this.#parts.schedule.after(nanoseconds, this.#throttleTarget, {});
  }

  reset(): void {
    this.#transmitter.reset();
    this.#receiver.reset();
    this.#parts.schedule.cancel(this.#throttleTarget);
  }

  writeState(sink: StateSink): void {
    sink.state('transmitter', this.#transmitter);
    sink.state('receiver', this.#receiver);
    sink.state('wire', this.#parts.wire);
  }
}
