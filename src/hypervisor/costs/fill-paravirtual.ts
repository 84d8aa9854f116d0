/** Rules for the operations of the paravirtual interface. Their hypercall is charged as `hypercallKernel`. */
import type { CostFact, ExitCost } from './cost-fact.ts';
import { inPath, isPathMeasured } from './fill-deprivileged.ts';
import type { CostPrimitive } from './primitives.ts';
import { asCall, type Basis, callPlus, filled, overNative, references, workOnly } from './rules.ts';

export function fillParavirtual(
  basis: Basis,
): Record<
  Extract<
    CostPrimitive,
    | 'mmuUpdate'
    | 'vaMapping'
    | 'pinEntry'
    | 'unpinEntry'
    | 'newBaseptr'
    | 'tlbFlush'
    | 'multicall'
    | 'iret'
    | 'schedBlock'
    | 'eventSend'
    | 'eventUpcall'
    | 'grantMap'
    | 'grantUnmap'
    | 'grantCopy'
    | 'copyLine'
  >,
  ExitCost
> {
  const entry = entryInstalled(basis);
  return {
    mmuUpdate: workOnly(
      entry ??
        references(6, 'the request, the page of the entry, its old value, the old frame, the new frame, the entry'),
    ),
    vaMapping: workOnly(
      entry ?? references(8, 'a walk of 3, the page of the entry, the old frame, the new frame, the entry, the flush'),
    ),
    pinEntry: workOnly(references(2, 'the entry, the frame it names')),
    unpinEntry: workOnly(references(2, 'the entry, the frame it names')),
    newBaseptr: workOnly(references(3, 'the kind of the new root, the count of the old one, the root in use')),
    tlbFlush: workOnly(filled(4, 'one fence of Rocket; what the flush makes slower is walked, and counted there')),
    multicall: workOnly(references(2, 'the sub-call, its result')),
    iret: isPathMeasured(basis)
      ? workOnly(inPath(basis))
      : callPlus(basis, references(3, 'pc, status and registers on the stack of the kernel')),
    schedBlock: asCall(basis, 'waiting itself is idle time'),
    eventSend: workOnly(references(4, 'the port, its peer, the pending and the mask word')),
    eventUpcall: workOnly(
      references(6, 'pending bit, selector, upcall flag and mask, saved pc and status, the callback'),
    ),
    grantMap: workOnly(references(6, 'the grant, its flags, the frame, the map track, the entry, the handle')),
    grantUnmap: workOnly(references(5, 'the map track, the grant, its flags, the frame, the entry')),
    grantCopy: workOnly(references(4, 'both grants, both frames')),
    copyLine: workOnly(references(2, 'a line read, a line written')),
  };
}

/** A page fault was two transitions: one that bounced, as a protection fault is, and one that installed an entry (SOSP03 §4.3 on Table 5). */
function entryInstalled(basis: Basis): CostFact | undefined {
  const [page, protection] = [overNative(basis, 'guest_fault'), overNative(basis, 'prot_fault')];
  if (basis.technique !== 'asked' || !page || !protection) return undefined;
  const { cycles } = basis.roundTrip;
  return filled(
    page.cycles - protection.cycles - cycles,
    `a page fault less a protection fault less a null hypercall: ${page.cycles} - ${protection.cycles} - ${cycles} over native (${page.source})`,
  );
}
