/**
 * What each hart is doing: its state in the SBI's hart state management, and whether it waits. Pure state and transitions; who runs
 * next is decided in `turns.ts`, what a transition does to the machine in `sbi/hsm.ts` and `boot.ts`.
 *
 * All harts share one physical core, so a hart that asks to stop or suspend has done so when its call is over: STOP_PENDING and
 * SUSPEND_PENDING exist for the specification's sake and are never seen. START_PENDING and RESUME_PENDING last until the hart's turn comes.
 */

import { assert, must } from '../assert.ts';
import type { StateSink } from '../machine/state-sink.ts';

/** HSM state numbers (SBI 2.0 §9, table 14). */
export const HSM_STATE = {
  STARTED: 0,
  STOPPED: 1,
  START_PENDING: 2,
  STOP_PENDING: 3,
  SUSPENDED: 4,
  SUSPEND_PENDING: 5,
  RESUME_PENDING: 6,
} as const;
export type HsmState = (typeof HSM_STATE)[keyof typeof HSM_STATE];

/** Where a hart goes on after a non-retentive suspend. */
export interface ResumePoint {
  /** Physical address in RAM. */
  readonly pc: bigint;
  /** Value of a1. */
  readonly opaque: bigint;
}

interface HartRecord {
  state: HsmState;
  /** In `wfi`: started, but waiting for an interrupt. */
  waiting: boolean;
  resume: ResumePoint | undefined;
}

export class HartStates {
  readonly #harts: HartRecord[];

  /** @param startedCount harts 0 up to this run from reset; the others are STOPPED. */
  constructor(hartCount: number, startedCount: number) {
    this.#harts = Array.from({ length: hartCount }, (_, id) => ({
      state: id < startedCount ? HSM_STATE.STARTED : HSM_STATE.STOPPED,
      waiting: false,
      resume: undefined,
    }));
  }

  get count(): number {
    return this.#harts.length;
  }

  stateOf(hart: number): HsmState {
    return this.#hart(hart).state;
  }

  /** Whether the hart wants the processor. */
  isRunnable(hart: number): boolean {
    const { state, waiting } = this.#hart(hart);
    return !waiting && (state === HSM_STATE.STARTED || isPending(state));
  }

  /** Whether the hart goes on as it is: started, and not waiting. */
  isRunning(hart: number): boolean {
    const { state, waiting } = this.#hart(hart);
    return !waiting && state === HSM_STATE.STARTED;
  }

  /** Whether an interrupt would set the hart going: in `wfi` or suspended. */
  isWaiting(hart: number): boolean {
    const { state, waiting } = this.#hart(hart);
    return waiting || state === HSM_STATE.SUSPENDED;
  }

  isStopped(hart: number): boolean {
    return this.#hart(hart).state === HSM_STATE.STOPPED;
  }

  wait(hart: number): void {
    assert(this.isRunnable(hart), `hart ${hart} waits without running`);
    this.#hart(hart).waiting = true;
  }

  start(hart: number): void {
    this.#move(hart, HSM_STATE.STOPPED, HSM_STATE.START_PENDING);
  }

  stop(hart: number): void {
    this.#move(hart, HSM_STATE.STARTED, HSM_STATE.STOPPED);
  }

  /** @param resume undefined for a retentive suspend: the hart goes on after its call. */
  suspend(hart: number, resume: ResumePoint | undefined): void {
    this.#move(hart, HSM_STATE.STARTED, HSM_STATE.SUSPENDED);
    this.#hart(hart).resume = resume;
  }

  /** An interrupt is pending for a hart that waits. */
  wake(hart: number): void {
    assert(this.isWaiting(hart), `hart ${hart} wakes without waiting`);
    const record = this.#hart(hart);
    if (record.waiting) record.waiting = false;
    else record.state = HSM_STATE.RESUME_PENDING;
  }

  /** The hart got its turn: pending states end. Returns where to resume after a non-retentive suspend. */
  enter(hart: number): { readonly changed: boolean; readonly resume: ResumePoint | undefined } {
    assert(this.isRunnable(hart), 'a turn goes to a hart that can use it');
    const record = this.#hart(hart);
    const { resume } = record;
    const changed = isPending(record.state);
    record.state = HSM_STATE.STARTED;
    record.resume = undefined;
    return { changed, resume };
  }

  writeState(sink: StateSink): void {
    sink.beginList('harts');
    for (const { state, waiting, resume } of this.#harts) {
      sink.begin(undefined);
      sink.value('state', state);
      sink.value('waiting', waiting);
      if (resume) {
        sink.value('resumePc', resume.pc);
        sink.value('resumeOpaque', resume.opaque);
      }
      sink.end();
    }
    sink.end();
  }

  #hart(hart: number): HartRecord {
    return must(this.#harts[hart], 'a hart of the machine');
  }

  #move(hart: number, from: HsmState, to: HsmState): void {
    const record = this.#hart(hart);
    assert(record.state === from, `hart ${hart} goes from ${from} to ${to} but is in ${record.state}`);
    record.state = to;
  }
}

function isPending(state: HsmState): boolean {
  return state === HSM_STATE.START_PENDING || state === HSM_STATE.RESUME_PENDING;
}
