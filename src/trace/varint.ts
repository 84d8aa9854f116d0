/**
 * Variable-length integers of 64 bits in two unsigned halves: seven bits a byte, lowest first, the top bit set on all bytes but the
 * last. Zigzag makes small magnitudes of either sign small.
 */

export const VARINT_BYTES_MAX = 10;

/** Low half of the zigzag of a difference, as a signed number; the halves of the difference are taken modulo 2^32. */
export function zigzagLow(low: number, high: number): number {
  return (low << 1) ^ (high >> 31);
}

/** Its high half. */
export function zigzagHigh(low: number, high: number): number {
  return ((high << 1) | (low >>> 31)) ^ (high >> 31);
}

/** Bytes of a varint of these halves: one for each seven bits begun, at least one. */
export function varintLength(low: number, high: number): number {
  const bits = high === 0 ? 32 - Math.clz32(low | 1) : 64 - Math.clz32(high);
  // The quotient by 7, rounded up, for 1 to 64.
  return (9 * bits + 64) >>> 6;
}

/** Whether a varint of these halves takes one byte. */
export function isOneByte(low: number, high: number): boolean {
  return high === 0 && (low & ~127) === 0;
}

/** Writes a varint and returns the position after it. The halves may be signed. */
export function putVarint(out: Uint8Array, position: number, low: number, high: number): number {
  let at = position;
  // Signed all along: V8 keeps numbers beyond 31 bits on the heap until it has compiled what uses them.
  let restLow = low | 0;
  let restHigh = high | 0;
  while (!isOneByte(restLow, restHigh)) {
    out[at] = (restLow & 127) | 128;
    at += 1;
    restLow = (restLow >>> 7) | (restHigh << 25);
    restHigh >>>= 7;
  }
  out[at] = restLow;
  return at + 1;
}
