/** The round trip out of the guest and back with a null handler, from which most rules start. */
import type { CostFact, ExitCost } from './cost-fact.ts';
import type { PublishedProfile } from './published.ts';
import { type Facts, filled, overNative, REFERENCE, REFERENCE_PROFILE, ruleOf, worseOf } from './rules.ts';

/** All of it, published or by the first rule that finds a fact. */
export function roundTripOf({ facts, technique }: PublishedProfile, native: Facts): CostFact {
  const { hypercall, exit, enter, hw_roundtrip: hardware } = facts;
  if (hypercall) return hypercall;
  if (exit && enter) {
    return {
      cycles: exit.cycles + enter.cycles,
      status: worseOf(exit.status, enter.status),
      source: `${exit.source}, ${enter.source}: ${exit.cycles} + ${enter.cycles}`,
    };
  }
  if (hardware) return filled(hardware.cycles, `what the hardware takes of it (${hardware.source}), a lower bound`);
  const fault = overNative({ facts, native }, 'prot_fault');
  if (technique === 'asked' && fault) {
    return filled(fault.cycles, `one transition each way, as a protection fault over native (${fault.source})`);
  }
  const syscall = overNative({ facts, native }, 'syscall');
  if (technique === 'translated' && syscall) {
    return filled(
      syscall.cycles,
      `one way into the monitor and back, as a system call over native (${syscall.source})`,
    );
  }
  return filled(REFERENCE.hypercall, `nothing published: as ${REFERENCE_PROFILE}, ${REFERENCE.hypercall} cycles`);
}

/** Its parts: published, or the remainder, or by the shares of the profile whose parts were measured. */
export function partsOfRoundTrip({ exit, enter, handle_null: handle }: Facts, roundTrip: CostFact): ExitCost {
  if (exit && enter) {
    const rest = roundTrip.cycles - exit.cycles - enter.cycles;
    const remainder: CostFact = {
      cycles: rest,
      status: 'D',
      source: `${roundTrip.cycles} - ${exit.cycles} - ${enter.cycles}`,
    };
    return { entry: exit, handling: handle ?? remainder, return: enter, whole: roundTrip };
  }
  const share = (part: number) => Math.round((roundTrip.cycles * part) / REFERENCE.hypercall);
  const entry = share(REFERENCE.exit);
  const handling = share(REFERENCE.handleNull);
  const rule = (part: string) => `share of ${part} in the round trip of ${REFERENCE_PROFILE}; ${ruleOf(roundTrip)}`;
  return {
    entry: filled(entry, rule('exit')),
    handling: filled(handling, rule('the null handler')),
    return: filled(roundTrip.cycles - entry - handling, rule('enter')),
    whole: roundTrip,
  };
}
