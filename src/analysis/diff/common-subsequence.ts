/** The longest common subsequence of two short sequences, as steps of an alignment. */

/** Steps of an alignment, in order: so many events of both runs, of the left alone, of the right alone. */
export interface Step {
  readonly both: number;
  readonly left: number;
  readonly right: number;
}

/**
 * @param left,right signatures; the product of their lengths is time and, in units of two bytes, memory
 * @returns steps over all of both, none of them empty
 */
export function commonSteps(left: Int32Array, right: Int32Array): Step[] {
  const lengths = commonLengths(left, right);
  const width = right.length + 1;
  const steps: { both: number; left: number; right: number }[] = [];
  const add = (what: keyof Step) => {
    const last = steps.at(-1);
    // A step has events of both, or of one: those of one may follow those of the other in the same step.
    const isNext = last !== undefined && (what === 'both') === last.both > 0 && !(what === 'left' && last.right > 0);
    if (isNext) last[what] += 1;
    else steps.push({ both: 0, left: 0, right: 0, [what]: 1 });
  };
  let [at, to] = [0, 0];
  while (at < left.length || to < right.length) {
    const here = at * width + to;
    if (at < left.length && to < right.length && left[at] === right[to]) {
      add('both');
      at += 1;
      to += 1;
    } else if (
      to === right.length ||
      (at < left.length && (lengths[here + width] as number) >= (lengths[here + 1] as number))
    ) {
      add('left');
      at += 1;
    } else {
      add('right');
      to += 1;
    }
  }
  return steps;
}

/** Length of the longest common subsequence of what is left of each, by where either begins: a row for each place in `left`. */
function commonLengths(left: Int32Array, right: Int32Array): Uint16Array | Uint32Array {
  const width = right.length + 1;
  const size = (left.length + 1) * width;
  const lengths = Math.min(left.length, right.length) > 0xffff ? new Uint32Array(size) : new Uint16Array(size);
  for (let at = left.length - 1; at >= 0; at -= 1) {
    const own = left[at];
    const row = at * width;
    for (let to = right.length - 1; to >= 0; to -= 1) {
      const here = row + to;
      lengths[here] =
        own === right[to]
          ? (lengths[here + width + 1] as number) + 1
          : Math.max(lengths[here + width] as number, lengths[here + 1] as number);
    }
  }
  return lengths;
}
