/** What a recorded kernel waited for, by what came next. All indexes are those of steps. */
import { NET_QUEUE } from '../../hypervisor/backends/net-wire.ts';
import type { EventKind } from '../../hypervisor/events.ts';
import { isNet } from './device-times.ts';
import { isBlock, pvCallOf, type Step } from './recorded-run.ts';

type Steps = readonly Step[];

/** Calls that a kernel makes between two waits when an interrupt gives it nothing to do. */
const IDLING_CALLS: ReadonlySet<string> = new Set(['sched_op', 'iret', 'set_timer_op']);

/** Exits by which a process shows that it goes on. */
const PROCESS_EXITS: ReadonlySet<string> = new Set(['syscall', 'page-fault', 'exception']);

/** Events of devices alone. */
const DEVICE_EVENTS: ReadonlySet<EventKind> = new Set(['take', 'complete', 'used', 'notify']);

/**
 * What ended a wait: the interrupt of a device, or else one of the timer after which the kernel had something to do; nothing, if it went back to
 * waiting at once. `hasSent`: the network had sent a frame, not received one.
 */
export type Woken = 'timer' | 'nothing' | { readonly device: string; readonly hasSent: boolean };

/** @param index of the call that waits */
export function wokenBy(steps: Steps, index: number): Woken {
  let hasSent = false;
  for (let at = index + 1; at < steps.length; at++) {
    const event = steps[at]?.event;
    if (event === undefined || isBlockAt(steps, at)) break;
    if (event.kind === 'complete' && isNet(event.device)) hasSent = event.queue === NET_QUEUE.transmit;
    if (event.kind === 'inject' && event.source.startsWith('pv-')) return { device: event.source, hasSent };
    const call = pvCallOf(event)?.name;
    const isProcess = event.kind === 'exit' && PROCESS_EXITS.has(event.reason);
    if (isProcess || (call !== undefined && !IDLING_CALLS.has(call))) return 'timer';
  }
  return 'nothing';
}

export function isBlockAt(steps: Steps, index: number): boolean {
  const event = steps[index]?.event;
  const found = event === undefined ? undefined : pvCallOf(event);
  return found?.name === 'sched_op' && isBlock(found.call);
}

/** The next event that the guest makes; devices may do theirs in between. */
export function nextOfGuest(steps: Steps, index: number): number {
  let at = index + 1;
  while (DEVICE_EVENTS.has(steps[at]?.event.kind ?? 'end')) at++;
  return at;
}

/** Whether the handler that is entered here serves the timer and no device. */
export function isTick(steps: Steps, index: number): boolean {
  for (let at = index + 1; at < steps.length; at++) {
    const event = steps[at]?.event;
    if (event?.kind === 'avoidedExit' && event.operation === 'interrupt-acknowledge') return event.device === 'timer';
    if (event !== undefined && pvCallOf(event)?.name === 'iret') return false;
  }
  return false;
}
