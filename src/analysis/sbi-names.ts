/** The names of the SBI that this version serves. */
import { sbiArgumentNames, sbiErrorName, sbiFunctionName } from '../hypervisor/sbi/sbi.ts';
import type { EventNames } from './names.ts';

export const SBI_NAMES: EventNames = {
  sbiFunction: sbiFunctionName,
  sbiError: sbiErrorName,
  sbiArguments: sbiArgumentNames,
};
