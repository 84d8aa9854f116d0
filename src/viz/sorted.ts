/** Binary searches in arrays that never decrease. */

/** First index whose value is greater than `value`. */
export function upperBound(values: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** First index whose value is not less than `value`. */
export function lowerBound(values: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** First position in `picks` whose value in `values` is not less than `value`; `picks` are rising indices into `values`. */
export function lowerBoundBy(picks: ArrayLike<number>, values: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = picks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[picks[middle] ?? 0] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
