/** Numbers as users type them: counts with decimal suffixes, sizes with binary ones. */
import { ParatraceError } from '../errors.ts';

const DECIMAL: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
const BINARY: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

export interface CountRange {
  readonly least?: number;
  readonly most?: number;
}

/**
 * A whole number such as `5000`, `1_000_000`, `200k`, `1.5M` or `2G` (powers of 1,000).
 * @throws ParatraceError `usage.option`.
 */
export function parseCount(option: string, text: string, range: CountRange = {}): number {
  const { least = 0, most = Number.MAX_SAFE_INTEGER } = range;
  const value = parse(text.replace(/^(.*)K$/, '$1k'), DECIMAL);
  if (value === undefined || value < least || value > most) {
    const wanted =
      most === Number.MAX_SAFE_INTEGER
        ? `a whole number of at least ${least}; k, M, G and T stand for powers of 1,000`
        : `a whole number from ${least} to ${most}`;
    throw invalid(option, text, wanted);
  }
  return value;
}

/**
 * A size in bytes such as `65536`, `512K`, `128M` or `1G` (powers of 1,024).
 * @throws ParatraceError `usage.option`.
 */
export function parseSize(option: string, text: string): number {
  const value = parse(text.replace(/^(.*)k$/, '$1K').replace(/(?<=[KMG])(i?B)$/, ''), BINARY);
  if (value === undefined)
    throw invalid(option, text, 'a size in bytes, such as 128M; K, M and G stand for powers of 1,024');
  return value;
}

/** `128 MiB`, or bytes if it is no whole number of a larger unit. */
export function formatSize(bytes: number): string {
  for (const [unit, scale] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= scale && bytes % scale === 0) return `${bytes / scale} ${unit}`;
  }
  return `${bytes} bytes`;
}

function parse(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d[\d_]*)(\.\d+)?([A-Za-z]?)$/.exec(text);
  const scale = match === null ? undefined : units[match[3] ?? ''];
  if (match === null || scale === undefined) return undefined;
  const value = Number(`${(match[1] ?? '').replaceAll('_', '')}${match[2] ?? ''}`) * scale;
  return Number.isSafeInteger(value) ? value : undefined;
}

function invalid(option: string, text: string, wanted: string): ParatraceError {
  return new ParatraceError('usage.option', `${option} is '${text}'; it must be ${wanted}`);
}
