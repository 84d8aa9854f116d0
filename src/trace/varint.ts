/**
 * Variable-length integers of 64 bits in two unsigned halves: seven bits a byte, lowest first, the top bit set on all bytes but the
 * last. Zigzag makes small magnitudes of either sign small.
 */

export const VARINT_BYTES_MAX = 10;

/** Low half of the zigzag of a difference, whose halves are taken modulo 2^32. */
export function zigzagLow(low: number, high: number): number {
  return ((low << 1) ^ (high >> 31)) >>> 0;
}

/** Its high half. */
export function zigzagHigh(low: number, high: number): number {
  return (((high << 1) | ((low | 0) >>> 31)) ^ (high >> 31)) >>> 0;
}

/** Bytes of a varint of these halves: one for each seven bits begun, at least one. */
export function varintLength(low: number, high: number): number {
  const bits = high === 0 ? 32 - Math.clz32(low | 1) : 64 - Math.clz32(high);
  // The quotient by 7, rounded up, for 1 to 64.
  return (9 * bits + 64) >>> 6;
}

/** Writes a varint and returns the position after it. */
export function putVarint(out: Uint8Array, position: number, low: number, high: number): number {
  let at = position;
  let restLow = low;
  let restHigh = high;
  while (restHigh !== 0 || restLow > 127) {
    out[at] = (restLow & 127) | 128;
    at += 1;
    restLow = ((restLow >>> 7) | (restHigh << 25)) >>> 0;
    restHigh >>>= 7;
  }
  out[at] = restLow;
  return at + 1;
}
