/**
 * What a prediction reads of a recorded paravirtual run: its events with the guest's cycles between them, what each wait was for, and what the
 * harts counted.
 */
import { ParatraceError } from '../../errors.ts';
import { type CostProfile, recordedProfile } from '../../hypervisor/costs.ts';
import { costOf, type EventOf, isPriced, type VmEvent } from '../../hypervisor/events.ts';
import { SCHEDOP } from '../../hypervisor/pv/calls/system.ts';
import { PV_EXTENSION } from '../../hypervisor/pv/pv-layout.ts';
import type { RunConfig } from '../../session/config.ts';
import type { RunCounters } from '../../session/ports.ts';
import type { TraceReader } from '../../trace/reader.ts';
import { SBI_NAMES } from '../sbi-names.ts';

/** What a prediction needs of a trace: any reader is one. */
export type PredictableTrace = Pick<TraceReader, 'header' | 'counters' | 'events' | 'end'>;

/** An event, and the cycles that the guest executed right before it; waiting and the hypervisor's work are left out. */
export interface Step {
  readonly event: VmEvent;
  readonly guestCycles: number;
}

export interface RecordedRun {
  readonly config: RunConfig;
  /** What exits cost in it. */
  readonly costs: CostProfile;
  readonly steps: readonly Step[];
  readonly guestCycles: number;
  readonly counters: RunCounters;
  /** Cycles between deadlines of the timer; 0 if it was set no more than once. */
  readonly tickCycles: number;
}

/**
 * @param cyclesPerTick of `mtime`
 * @throws ParatraceError `whatif.trace` for a trace that nothing can be predicted from.
 */
export function readRun(trace: PredictableTrace, cyclesPerTick: number): RecordedRun {
  const { config, costProfile } = trace.header;
  if (config.mode !== 'pv') {
    const message = `the trace was recorded in mode ${config.mode}; a prediction is made from one of mode pv`;
    throw new ParatraceError('whatif.trace', message);
  }
  if (config.hartCount > 1) {
    throw new ParatraceError('whatif.trace', `the trace has ${config.hartCount} harts; a prediction is made for one`);
  }
  if (trace.end === undefined) {
    throw new ParatraceError('whatif.trace', 'the trace does not say how the run ended: it was cut off');
  }
  const counters = [...trace.counters()].at(-1);
  if (counters === undefined) {
    throw new ParatraceError('whatif.trace', 'the trace has no counters: it was recorded by an older version');
  }
  const steps = stepsOf(trace.events());
  const guestCycles = steps.reduce((sum, step) => sum + step.guestCycles, 0);
  const costs = recordedProfile(costProfile, config.costs);
  return { config, costs, steps, guestCycles, counters, tickCycles: tickOf(steps) * cyclesPerTick };
}

function stepsOf(events: Iterable<VmEvent>): Step[] {
  const steps: Step[] = [];
  let cycle = 0;
  let charged = 0;
  let waits = false;
  for (const event of events) {
    const passed = event.cycle - cycle;
    const taken = Math.min(charged, passed);
    charged -= taken;
    steps.push({ event, guestCycles: waits ? 0 : passed - taken });
    cycle = event.cycle;
    if (isPriced(event)) charged += costOf(event);
    if (event.kind === 'idle') waits = true;
    else if (event.kind === 'wake') waits = false;
  }
  return steps;
}

/** The call of the paravirtual interface that an event is: its name without prefix, and its first arguments. */
export function pvCallOf(event: VmEvent): { readonly name: string; readonly call: EventOf<'hypercall'> } | undefined {
  if (event.kind !== 'hypercall' || event.eid !== BigInt(PV_EXTENSION)) return undefined;
  return { name: SBI_NAMES.sbiFunction(event.eid, event.fid).replace('pv.', ''), call: event };
}

/** Whether a `sched_op` waits: for any event, or for those of some ports. */
export const isBlock = ({ arg0 }: EventOf<'hypercall'>): boolean =>
  arg0 === BigInt(SCHEDOP.block) || arg0 === BigInt(SCHEDOP.poll);

/** Ticks between deadlines that follow each other: the least, since some ticks may have been left out. */
function tickOf(steps: readonly Step[]): number {
  let before: bigint | undefined;
  let least = 0n;
  for (const { event } of steps) {
    const found = pvCallOf(event);
    if (found?.name !== 'set_timer_op') continue;
    const { arg0 } = found.call;
    const period = before === undefined ? 0n : arg0 - before;
    if (period > 0n && (least === 0n || period < least)) least = period;
    before = arg0;
  }
  return Number(least);
}
