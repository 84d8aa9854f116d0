/** What differs, by kind and reason: how many events either run has, what they were charged, and which of their fields changed. */
import { costOf, isPriced, type VmEvent } from '../../hypervisor/events.ts';
import { type EventNames, interruptName } from '../names.ts';
import { reasonOf } from '../stat.ts';
import type { EventValue, FieldChange } from './event-fields.ts';

/** Most rows that are kept apart: a guest may make up reasons. The rest is summed up by kind. */
const ROWS_MAX = 1024;

export interface ChangedField {
  readonly field: string;
  /** Events in which it differs. */
  readonly count: number;
  /** The first of them. */
  readonly left: EventValue | undefined;
  readonly right: EventValue | undefined;
  /** By how much it differs wherever it does, if that is always the same number; else null. */
  readonly by: number | null;
}

export interface KindRow {
  readonly kind: VmEvent['kind'];
  /** Reason, call, register, ring; empty for kinds that have none. */
  readonly what: string;
  /** Events of either run, and how many have none that stands for them. */
  readonly left: number;
  readonly right: number;
  readonly onlyLeft: number;
  readonly onlyRight: number;
  /** Cycles that they were charged; 0 for kinds without a price. */
  readonly leftCycles: number;
  readonly rightCycles: number;
  /** Fields that changed, without those that say when. Most often first. */
  readonly fields: readonly ChangedField[];
}

interface MutableField {
  readonly field: string;
  count: number;
  readonly left: EventValue | undefined;
  readonly right: EventValue | undefined;
  by: number | null;
}

type MutableRow = { -readonly [F in keyof Omit<KindRow, 'fields'>]: KindRow[F] } & {
  readonly changed: Map<string, MutableField>;
};

/** Fields that say when an event was: a difference early in a run changes them in all that follows. */
export const CLOCK_FIELDS: ReadonlySet<string> = new Set(['cycle', 'icount']);

export class KindRows {
  readonly #names: EventNames;
  readonly #rows = new Map<string, MutableRow>();

  constructor(names: EventNames) {
    this.#names = names;
  }

  left(event: VmEvent, alone: boolean): void {
    const row = this.#row(event);
    row.left += 1;
    row.leftCycles += isPriced(event) ? costOf(event) : 0;
    if (alone) row.onlyLeft += 1;
  }

  right(event: VmEvent, alone: boolean): void {
    const row = this.#row(event);
    row.right += 1;
    row.rightCycles += isPriced(event) ? costOf(event) : 0;
    if (alone) row.onlyRight += 1;
  }

  changed(event: VmEvent, changes: readonly FieldChange[]): void {
    const { changed } = this.#row(event);
    for (const change of changes) {
      const { field, left, right } = change;
      if (CLOCK_FIELDS.has(field)) continue;
      const by = typeof left === 'number' && typeof right === 'number' ? right - left : null;
      const known = changed.get(field);
      if (known === undefined) changed.set(field, { field, left, right, count: 1, by });
      else {
        known.count += 1;
        if (known.by !== by) known.by = null;
      }
    }
  }

  /** Rows that differ in anything but when: what changed most cycles first, then by kind and reason. */
  differing(): readonly KindRow[] {
    return [...this.#rows.values()]
      .filter(
        ({ left, right, onlyLeft, onlyRight, changed }) =>
          left !== right || onlyLeft > 0 || onlyRight > 0 || changed.size > 0,
      )
      .map(({ changed, ...row }) => ({ ...row, fields: [...changed.values()].sort((a, b) => b.count - a.count) }))
      .sort((a, b) => shift(b) - shift(a) || compareTexts(`${a.kind} ${a.what}`, `${b.kind} ${b.what}`));
  }

  #row(event: VmEvent): MutableRow {
    const what = whatOf(event, this.#names);
    const key = `${event.kind} ${what}`;
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    if (this.#rows.size >= ROWS_MAX && what !== OTHERS) return this.#rowOf(event.kind, OTHERS);
    return this.#rowOf(event.kind, what);
  }

  #rowOf(kind: VmEvent['kind'], what: string): MutableRow {
    const key = `${kind} ${what}`;
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const numbers = { left: 0, right: 0, onlyLeft: 0, onlyRight: 0, leftCycles: 0, rightCycles: 0 };
    const row: MutableRow = { kind, what, ...numbers, changed: new Map() };
    this.#rows.set(key, row);
    return row;
  }
}

const OTHERS = '(others)';

/** What an event is counted under besides its kind. */
export function whatOf(event: VmEvent, names: EventNames): string {
  if (isPriced(event)) return reasonOf(event, names);
  if (event.kind === 'avoidedExit') return event.operation;
  if ('queue' in event) return `${event.device} queue ${event.queue}`;
  if (event.kind === 'interrupt') return interruptName(event.cause);
  if (event.kind === 'input') return event.port;
  if (event.kind === 'mark') return event.label;
  return '';
}

function shift({ leftCycles, rightCycles }: KindRow | MutableRow): number {
  return Math.abs(rightCycles - leftCycles);
}

/** By code unit, so that no locale has a say. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
