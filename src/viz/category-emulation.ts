/** What the events of a category stand for under emulation, with prices: `analysis/emulation-steps.ts` for the report. */
import {
  EMULATION_TARGETS,
  type EmulationStep,
  type EmulationTarget,
  emulationSteps,
  isPartOfCall,
  type StepSubject,
  unitsOf,
} from '../analysis/emulation-steps.ts';
import type { CostPrimitive } from '../hypervisor/costs.ts';
import type { VmEvent } from '../hypervisor/events.ts';

/** A step with its price. */
export interface PricedStep extends EmulationStep {
  /** Cycles of one occurrence. */
  readonly cycles: number;
}

export interface TargetEmulation {
  /** Of one event. */
  readonly steps: readonly PricedStep[];
  /** What the steps of all events come to, in cycles. */
  readonly cycles: number;
}

export interface CategoryEmulation {
  /** By the mode that emulates. */
  readonly byTarget: Readonly<Record<EmulationTarget, TargetEmulation>>;
  /** Whether the steps are among those of the call before it, and not to be counted again. */
  readonly isPartOfCall: boolean;
}

/** Cycles of a whole exit, or of a piece of work, by primitive. */
export type StepPrices = (primitive: CostPrimitive) => number;

/** Sums up while events go by. */
export class EmulationSums implements CategoryEmulation {
  readonly byTarget: Readonly<Record<EmulationTarget, { steps: readonly PricedStep[]; cycles: number }>>;
  readonly isPartOfCall: boolean;

  private constructor(subject: StepSubject, byTarget: EmulationSums['byTarget']) {
    this.byTarget = byTarget;
    this.isPartOfCall = isPartOfCall(subject);
  }

  /** Undefined for what stands for nothing. @param mode of the run */
  static of(mode: string, subject: StepSubject, prices: StepPrices): EmulationSums | undefined {
    const stepsOf = (target: EmulationTarget) =>
      emulationSteps(mode, target, subject).map((step) => ({ ...step, cycles: prices(step.primitive) }));
    const byTarget = { full: { steps: stepsOf('full'), cycles: 0 }, hvm: { steps: stepsOf('hvm'), cycles: 0 } };
    const isEmpty = EMULATION_TARGETS.every((target) => byTarget[target].steps.length === 0);
    return isEmpty ? undefined : new EmulationSums(subject, byTarget);
  }

  add(event: VmEvent): void {
    for (const target of EMULATION_TARGETS) {
      const sum = this.byTarget[target];
      for (const { per, times, cycles } of sum.steps) sum.cycles += unitsOf(event, per) * times * cycles;
    }
  }
}
