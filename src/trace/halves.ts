/** The range of a field type in the two halves of its word. */
import { NUMBER_MAX } from '../hypervisor/event-row.ts';
import type { FieldType } from '../hypervisor/events.ts';

export const TWO_32 = 0x1_0000_0000;
const U32_MAX = TWO_32 - 1;

/** Largest halves of a word of the type: each type has all values whose halves are no larger. Names are indexes of any size here. */
export function halvesMax(type: FieldType): { readonly lowMax: number; readonly highMax: number } {
  const max = type === 'bool' ? 1 : (NUMBER_MAX[type] ?? Number.POSITIVE_INFINITY);
  const isWord = type === 'u64' || type === 'i64';
  return { lowMax: Math.min(max, U32_MAX), highMax: isWord ? U32_MAX : type === 'name' ? 0 : Math.floor(max / TWO_32) };
}

/** A copy of at least that length, and as much again. */
export function withRoom(halves: Int32Array, length: number): Int32Array {
  const copy = new Int32Array(2 * length);
  copy.set(halves);
  return copy;
}
