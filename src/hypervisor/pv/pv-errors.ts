/** Errors of the paravirtual interface (docs/abi.md, "Calls"): negative errno values, as in Xen. */
export const PV_ERROR = {
  EPERM: -1,
  ENOENT: -2,
  E2BIG: -7,
  EFAULT: -14,
  EBUSY: -16,
  EEXIST: -17,
  EINVAL: -22,
  ENOSPC: -28,
  ENOSYS: -38,
} as const;
export type PvErrorName = keyof typeof PV_ERROR;
/** An error that a guest is given. */
export type PvError = (typeof PV_ERROR)[PvErrorName];

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(PV_ERROR).map(([name, value]) => [value, name]));

/** Its name, for reports. */
export function pvErrorName(value: number): string | undefined {
  return NAMES.get(value);
}
