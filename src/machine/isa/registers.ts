/** ABI names of the integer registers (RISC-V calling conventions, 1.1). */
export const REGISTER_NAMES = [
  ...['zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 's0', 's1'],
  ...['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'],
  ...['s2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10', 's11'],
  ...['t3', 't4', 't5', 't6'],
] as const;

export type RegisterName = (typeof REGISTER_NAMES)[number];

/** Index of a register by its ABI name. */
export const REGISTER = Object.fromEntries(REGISTER_NAMES.map((name, index) => [name, index])) as Readonly<
  Record<RegisterName, number>
>;
