/** Rules for what every mode with a hypervisor does: calls, device registers, interrupts, timers, turns. */
import type { CostFact, ExitCost } from './cost-fact.ts';
import type { CostPrimitive } from './primitives.ts';
import {
  asCall,
  type Basis,
  exitWith,
  filled,
  REFERENCE,
  REFERENCE_PROFILE,
  references,
  ruleOf,
  sameAs,
  transitionCycles,
  whole,
  workOnly,
  worseOf,
} from './rules.ts';

/** The work of an exit that exists only to raise an interrupt. */
const INJECTED = filled(0, 'the work is the injection, charged there');

type Filled<Name extends CostPrimitive> = Record<Name, ExitCost>;

export function fillCalls(basis: Basis): Filled<'hypercallKernel' | 'hypercallUser' | 'remoteHart'> {
  const user = mmioUser(basis);
  return {
    hypercallKernel: basis.call,
    hypercallUser: sameAs(user, `as a register access in user space (${ruleOf(user.handling)})`),
    remoteHart: workOnly(remoteHart(basis)),
  };
}

export function fillDevices(basis: Basis): Filled<'mmioKernel' | 'mmioUser'> {
  return { mmioKernel: mmioKernel(basis), mmioUser: mmioUser(basis) };
}

export function fillInterrupts(
  basis: Basis,
): Filled<'irqClaim' | 'irqComplete' | 'external' | 'inject' | 'timerSet' | 'timerExit' | 'preempt' | 'wfi'> {
  const inject = injection(basis);
  return {
    wfi: asCall(basis, 'waiting itself is idle time'),
    ...controller(basis),
    external: exitWith(basis.call, INJECTED),
    inject: workOnly(inject),
    ...timers(basis, inject),
    preempt: preemption(basis),
  };
}

export function fillNative({ facts, technique }: Basis): Filled<'nativeCall' | 'nativeAccess'> {
  const port = technique === 'bare' ? facts.pio : undefined;
  return {
    nativeCall: workOnly(filled(256, 'as a native interrupt entry on Rocket (First Look: 80 ns x 3200 MHz)')),
    nativeAccess: workOnly(
      port
        ? filled(port.cycles, `as a port access (${port.source})`)
        : filled(24, 'one reference past the first-level cache, as an L2 hit of Rocket (Keystone Table 2)'),
    ),
  };
}

/** A register access in the hypervisor. A port access is one, with less to decode. */
export function mmioKernel(basis: Basis): ExitCost {
  const { facts, technique } = basis;
  if (facts.mmio_kernel) return whole(basis, facts.mmio_kernel);
  if (facts.pio && technique !== 'bare') {
    return whole(basis, filled(facts.pio.cycles, `as a port access in the monitor (${facts.pio.source})`));
  }
  return asCall(basis, 'a lower bound, no decoding of the access');
}

function mmioUser(basis: Basis): ExitCost {
  const { facts, roundTrip } = basis;
  if (facts.mmio_user) return whole(basis, facts.mmio_user);
  const { pio_in_user: portIn, pio_out_user: portOut } = facts;
  if (portIn && portOut) {
    const mean = Math.round((portIn.cycles + portOut.cycles) / 2);
    return whole(basis, filled(mean, `mean of a port read and a port write in user space (${portIn.source})`));
  }
  const { pio } = facts;
  const inMonitor = pio && basis.technique !== 'bare' && pio.cycles > roundTrip.cycles ? pio : undefined;
  const rule = `${inMonitor ? 'port access' : 'hypercall'} plus ${REFERENCE.userDetour}, the detour to user space of ${REFERENCE_PROFILE}`;
  return whole(basis, filled((inMonitor ?? roundTrip).cycles + REFERENCE.userDetour, rule));
}

/** An IPI round trip contains the sender's hypercall, which is charged as such. */
function remoteHart({ facts: { ipi }, roundTrip }: Basis): CostFact {
  if (!ipi) return filled(roundTrip.cycles, 'as a null hypercall: the target leaves its guest and returns');
  return {
    cycles: Math.max(0, ipi.cycles - roundTrip.cycles),
    status: roundTrip.status === 'R' ? 'R' : derived(ipi),
    source: `${roundTrip.status === 'R' ? 'rule: ' : ''}${ipi.source}: ${ipi.cycles} in all, less the hypercall of the sender`,
  };
}

/** A delivery was measured with the exit it causes, which is charged as `external` (or is there already). */
function injection({ facts: { irq_deliver: delivery, ipi }, roundTrip, call }: Basis): CostFact {
  const transitions = transitionCycles(call);
  if (delivery) {
    return {
      cycles: Math.max(0, delivery.cycles - transitions),
      status: roundTrip.status === 'R' ? 'R' : derived(delivery),
      source: `${roundTrip.status === 'R' ? 'rule: ' : ''}${delivery.source}: ${delivery.cycles} in all, less exit and enter`,
    };
  }
  if (!ipi) return filled(roundTrip.cycles, 'as a null hypercall');
  const rest = Math.max(0, ipi.cycles - roundTrip.cycles - transitions);
  return filled(rest, `the delivery part of an IPI (${ipi.source}): less the hypercall of the sender, exit and enter`);
}

/** Hardware that completes without an exit has the whole interface of the processor to the controller, so it claims without one too. */
function controller(basis: Basis): Filled<'irqClaim' | 'irqComplete'> {
  const { irq_complete: published } = basis.facts;
  const register = sameAs(mmioKernel(basis), 'as a register access in the hypervisor');
  if (!published) return { irqClaim: register, irqComplete: register };
  const irqComplete = whole(basis, published);
  const inHardware = published.cycles < transitionCycles(basis.call);
  const irqClaim = inHardware
    ? sameAs(irqComplete, `as the completion: the interface is in hardware (${published.source})`)
    : register;
  return { irqClaim, irqComplete };
}

function timers(basis: Basis, inject: CostFact): Filled<'timerSet' | 'timerExit'> {
  const { facts, roundTrip } = basis;
  const { timer, timer_immediate: immediate } = facts;
  if (!timer || !immediate) {
    return {
      timerSet: workOnly(references(6, 'the deadline, a place in the queue of timers, the comparator')),
      timerExit: exitWith(basis.call, INJECTED),
    };
  }
  const set: CostFact = {
    cycles: Math.max(0, immediate.cycles - roundTrip.cycles),
    status: worseOf(immediate.status, roundTrip.status),
    source: `${immediate.source}: ${immediate.cycles} armed and due at once, less the exit`,
  };
  const expiry = filled(
    Math.max(0, timer.cycles - immediate.cycles - inject.cycles),
    `armed and expired (${timer.source}: ${timer.cycles}), less armed and due at once (${immediate.cycles}), less an injection`,
  );
  return { timerSet: workOnly(set), timerExit: whole(basis, expiry) };
}

function preemption(basis: Basis): ExitCost {
  const { vm_switch: vmSwitch } = basis.facts;
  if (!vmSwitch) return asCall(basis, 'a lower bound, nothing for scheduling');
  return whole(basis, vmSwitch);
}

function derived({ status }: CostFact): CostFact['status'] {
  return status === 'V' ? 'D' : status;
}
