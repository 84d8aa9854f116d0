/** Thrown when Paratrace itself is wrong. Never used for guest, trace or operator input. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/**
 * States what must hold if this program is right. Stays on in production.
 * @param message on a hot path a constant: a template is put together whether the condition holds or not
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(`internal error: ${message}`);
}

/** The value, which this program has made sure is there. The message is as that of {@link assert}. */
export function must<T>(value: T | undefined | null, message: string): T {
  if (value === undefined || value === null) throw new AssertionError(`internal error: ${message}`);
  return value;
}
