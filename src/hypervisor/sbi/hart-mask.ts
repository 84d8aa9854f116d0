/** Hart lists as SBI calls pass them (§3.1). */

const ALL_HARTS = 0xffff_ffff_ffff_ffffn;
const XLEN = 64;

/**
 * The harts that a mask names, ascending. Undefined if the base or a hart is not valid, which callers answer with
 * `SBI_ERR_INVALID_PARAM`. A base of -1 means every hart, whatever the mask.
 */
export function hartsOfMask(mask: bigint, base: bigint, hartCount: number): readonly number[] | undefined {
  if (base === ALL_HARTS) return Array.from({ length: hartCount }, (_, hart) => hart);
  if (base >= BigInt(hartCount)) return undefined;
  const harts: number[] = [];
  for (let bit = 0; bit < XLEN; bit++) {
    if (((mask >> BigInt(bit)) & 1n) === 0n) continue;
    const hart = Number(base) + bit;
    if (hart >= hartCount) return undefined;
    harts.push(hart);
  }
  return harts;
}
