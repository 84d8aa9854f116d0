/**
 * Rules for a guest kernel without privilege: sensitive instructions, bounces, shadow paging, and beside it the second stage.
 *
 * A path that was measured as a whole, such as a system call over native, is charged where it begins: the bounce. The instructions
 * that end it (`sret`, `iret`, CSR accesses on the way) are then in it and cost nothing more.
 */
import type { CostFact, ExitCost } from './cost-fact.ts';
import { mmioKernel } from './fill-exits.ts';
import type { CostPrimitive } from './primitives.ts';
import {
  asCall,
  type Basis,
  callPlus,
  exitWith,
  filled,
  overNative,
  REFERENCE,
  REFERENCE_PROFILE,
  references,
  ruleOf,
  sameAs,
  whole,
  workOnly,
} from './rules.ts';

type Filled<Name extends CostPrimitive> = Record<Name, ExitCost>;

/** Words of a page of page table by the cache line: what clearing one touches. */
const LINES_PER_PAGE = 64;

export function fillSensitive(basis: Basis): Filled<'csrAccess' | 'sret' | 'sfence' | 'satpCached' | 'satpNew'> {
  const csrAccess = accessToCsr(basis);
  const satpCached =
    basis.facts.pt_base && basis.facts.shadow_fill
      ? whole(basis, basis.facts.pt_base)
      : callPlus(basis, references(3, 'finding the root, its age, the root in use'));
  return {
    csrAccess,
    sret: isPathMeasured(basis) ? workOnly(inPath(basis)) : callPlus(basis, references(3, 'sstatus, sepc, the mode')),
    sfence: asCall(basis, 'the fence itself; what it drops is charged by the entry'),
    satpCached,
    satpNew: withWork(satpCached, references(LINES_PER_PAGE, 'the lines of a page that is cleared')),
  };
}

export function fillBounces(basis: Basis): Filled<'syscallBounce' | 'trapBounce'> {
  const syscall = overNative(basis, 'syscall');
  const fault = overNative(basis, 'prot_fault') ?? overNative(basis, 'guest_fault');
  const entered = callPlus(basis, references(5, 'scause, stval, sepc, sstatus, the handler'));
  return {
    syscallBounce: syscall ? whole(basis, syscall) : entered,
    trapBounce: fault ? whole(basis, fault) : entered,
  };
}

export function fillShadow(basis: Basis): Filled<'shadowFill' | 'pteWrite' | 'shadowDrop'> {
  return {
    shadowFill: hiddenFault(basis),
    pteWrite: caughtStore(basis),
    shadowDrop: workOnly(references(3, 'the reverse map, the shadow entry, its count')),
  };
}

export function fillStages(basis: Basis): Filled<'secondStageFault'> {
  const { facts } = basis;
  return { secondStageFault: whole(basis, facts.s2_fault ?? pageGiven(basis)) };
}

/** Whether a system call was measured from its beginning to its end. */
export function isPathMeasured(basis: Basis): boolean {
  return overNative(basis, 'syscall') !== undefined;
}

/** What instructions cost that are part of a path that was measured as a whole. */
export function inPath(basis: Basis): CostFact {
  const source = overNative(basis, 'syscall')?.source ?? '';
  return filled(0, `in what was measured for the whole path, charged at its bounce (${source})`);
}

function accessToCsr(basis: Basis): ExitCost {
  const { facts, technique } = basis;
  const write = overNative(basis, 'priv_write');
  if (write) return workOnly({ ...write, source: `${write.source}, as any privileged register` });
  if (technique === 'translated') return workOnly(inPath(basis));
  const { decode_emulate: decode } = facts;
  if (decode)
    return callPlus(basis, filled(decode.cycles, `decoding and emulation of the same profile (${decode.source})`));
  return asCall(basis, 'a lower bound, nothing for decoding');
}

/** The part of a page fault that comes after its bounce was measured on two kinds of faults: a store caught and a hidden fault. */
function afterBounce(basis: Basis): CostFact | undefined {
  const [page, protection] = [overNative(basis, 'guest_fault'), overNative(basis, 'prot_fault')];
  if (basis.technique !== 'translated' || !page || !protection) return undefined;
  return filled(
    Math.round((page.cycles - protection.cycles) / 2),
    `half of a page fault less a protection fault, ${page.cycles} - ${protection.cycles} over native (${page.source}): a store to a page table and a hidden fault`,
  );
}

function hiddenFault(basis: Basis): ExitCost {
  const { facts } = basis;
  if (facts.shadow_fill) return whole(basis, facts.shadow_fill);
  const half = afterBounce(basis);
  if (half) return whole(basis, half);
  const guestFault = overNative(basis, 'guest_fault');
  if (guestFault && facts.pte_write) {
    const rule = `as a fault of the guest, which needs the same walk (${guestFault.source})`;
    return whole(basis, filled(guestFault.cycles, rule));
  }
  const { s2_fault: stage } = facts;
  if (stage) return whole(basis, filled(stage.cycles, `as a second-stage fault (${stage.source})`));
  return whole(basis, pageGiven(basis));
}

function caughtStore(basis: Basis): ExitCost {
  const published = overNative(basis, 'pte_write') ?? afterBounce(basis);
  if (published) return whole(basis, published);
  const access = mmioKernel(basis);
  return withWork(
    sameAs(access, `as a register access in the hypervisor (${ruleOf(access.handling)})`),
    references(4, 'the kind of the page, the entry, the reverse map, the shadow entry'),
  );
}

function pageGiven({ roundTrip }: Basis): CostFact {
  const rule = `hypercall plus ${REFERENCE.pageGiven}, what giving a page takes on ${REFERENCE_PROFILE}`;
  return filled(roundTrip.cycles + REFERENCE.pageGiven, rule);
}

function withWork(cost: ExitCost, more: CostFact): ExitCost {
  const { handling } = cost;
  return exitWith(cost, filled(handling.cycles + more.cycles, `${ruleOf(handling)}; and ${ruleOf(more)}`));
}
