/** Numbers of 32 bits out of lists of numbers: what the model of events calls a context. Two contexts may share one: that costs bits only. */

const FACTOR = 0x9e3779b1;

/** A context and one more word. */
export function mix(context: number, word: number): number {
  const mixed = Math.imul(context ^ word, FACTOR);
  return mixed ^ (mixed >>> 15);
}

/** The context of numbers from -2^63 to 2^64 - 1, each as its low and its high half. */
export function contextOf(...numbers: readonly (bigint | number)[]): number {
  let context = 0;
  for (const number of numbers) {
    if (typeof number === 'number') context = mix(mix(context, number | 0), number < 0 ? -1 : 0);
    else context = mix(mix(context, Number(BigInt.asIntN(32, number))), Number(BigInt.asIntN(32, number >> 32n)));
  }
  return context;
}
