/** Reads values that came from outside, one by one: what a profile is made of, or an error that quotes the value and names its place. */
import type { ParatraceError } from '../../errors.ts';

/** Most that one part may cost: a second and more of any machine. */
export const PART_CYCLES_MAX = 1_000_000_000;

const TEXT_MAX = 500;

export type JsonMap = Readonly<Record<string, unknown>>;

export class ValueReader {
  readonly error: (message: string) => ParatraceError;

  /** @param error makes what is thrown */
  constructor(error: (message: string) => ParatraceError) {
    this.error = error;
  }

  cycles(value: unknown, where: string): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= PART_CYCLES_MAX) return value;
    throw this.error(`${where} is ${shown(value)}; cycles are a whole number from 0 to ${PART_CYCLES_MAX}`);
  }

  clock(value: unknown): number {
    if (typeof value === 'number' && value > 0 && value <= 1_000_000) return value;
    throw this.error(`\`clockMhz\` is ${shown(value)}; it is a number of MHz above 0, up to 1000000`);
  }

  text(value: unknown, where: string): string {
    if (typeof value === 'string' && value !== '' && value.length <= TEXT_MAX) return value;
    throw this.error(`${where} is ${shown(value)}; it must be a text of 1 to ${TEXT_MAX} characters`);
  }

  /** @param keys all that may be in it; anything if not given */
  map(value: unknown, where: string, keys?: readonly string[]): JsonMap {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.error(`${where} is ${shown(value)}; it must be an object`);
    }
    for (const key of keys === undefined ? [] : Object.keys(value)) {
      if (!keys?.includes(key))
        throw this.error(`unknown key ${shown(key)} in ${where}; the keys are ${keys?.join(', ')}`);
    }
    return value as JsonMap;
  }
}

/** A value as it is quoted in an error: JSON, cut short. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'missing' : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
