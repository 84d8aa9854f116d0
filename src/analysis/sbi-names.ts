/** The names of the calls that this version serves: the SBI's, and those of the paravirtual interface. */
import { pvArgumentNames, pvCallName, pvOutcomeName } from '../hypervisor/pv/calls/call-names.ts';
import { PV_EXTENSION } from '../hypervisor/pv/pv-layout.ts';
import { sbiArgumentNames, sbiErrorName, sbiFunctionName } from '../hypervisor/sbi/sbi.ts';
import type { EventNames } from './names.ts';

export const SBI_NAMES: EventNames = {
  sbiFunction: (eid, fid) => (isParavirtual(eid) ? `pv.${pvCallName(fid)}` : sbiFunctionName(eid, fid)),
  sbiError: (error, eid) => (isParavirtual(eid) ? pvOutcomeName(error) : sbiErrorName(error)),
  sbiArguments: (eid, fid) => (isParavirtual(eid) ? pvArgumentNames(fid) : sbiArgumentNames(eid, fid)),
};

function isParavirtual(eid: bigint): boolean {
  return eid === BigInt(PV_EXTENSION);
}
