/** In what the headers of two traces differ: configuration, images, prices. */
import type { HeaderObject, HeaderValue, TraceHeader } from '../../trace/schema.ts';
import type { Ignored } from './aspects.ts';

export interface HeaderChange {
  /** `mode`, `guest.sha256`, `costProfile.primitives.mmio.entry`. */
  readonly path: string;
  /** Null on a side that has none. */
  readonly left: string | number | boolean | null;
  readonly right: string | number | boolean | null;
}

/** All differences, the configuration first. */
export function headerChanges(left: TraceHeader, right: TraceHeader, ignored: Ignored): readonly HeaderChange[] {
  if (ignored.has('header')) return [];
  const changes: HeaderChange[] = [];
  compare('', plain(left.config), plain(right.config), changes);
  compare('excerpt', left.excerpt && { ...left.excerpt }, right.excerpt && { ...right.excerpt }, changes);
  if (ignored.has('costs')) return changes;
  compare('costProfile', left.costProfile, right.costProfile, changes);
  compare('coreProfile', left.coreProfile, right.coreProfile, changes);
  return changes;
}

/** A configuration is made of what a header can hold, and `undefined` for what there is none of. */
function plain(config: TraceHeader['config']): HeaderObject {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as HeaderObject;
}

function compare(
  path: string,
  left: HeaderValue | undefined,
  right: HeaderValue | undefined,
  changes: HeaderChange[],
): void {
  if (isScalar(left) && isScalar(right)) {
    if (left !== right) changes.push({ path: readable(path), left: left ?? null, right: right ?? null });
    return;
  }
  const [a, b] = [partsOf(left), partsOf(right)];
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    compare(path === '' ? key : `${path}.${key}`, a[key], b[key], changes);
  }
  if (isScalar(left) !== isScalar(right) && Object.keys(a).length + Object.keys(b).length === 0) {
    changes.push({ path, left: textOf(left), right: textOf(right) });
  }
}

/** What the numbers of a price are: a header has them as a list. */
const PRICE_PARTS = ['entry', 'handling', 'return', 'source'] as const;
const PRICE = /^(costProfile\.primitives\.\w+)\.(\d)$/;

/** `costProfile.primitives.mmio.handling` for the second number of a price. */
function readable(path: string): string {
  const [, price, index] = PRICE.exec(path) ?? [];
  return price === undefined ? path : `${price}.${PRICE_PARTS[Number(index)] ?? index}`;
}

function isScalar(value: HeaderValue | undefined): value is null | boolean | number | string | undefined {
  return value === null || typeof value !== 'object';
}

function partsOf(value: HeaderValue | undefined): Readonly<Record<string, HeaderValue>> {
  return typeof value === 'object' && value !== null ? (value as HeaderObject) : {};
}

function textOf(value: HeaderValue | undefined): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}
