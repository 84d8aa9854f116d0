/** In which fields two events differ that stand for each other. */
import { EVENT_KINDS, EVENT_STAMP, type EventKind, type VmEvent } from '../../hypervisor/events.ts';
import type { Ignored } from './aspects.ts';

export type EventValue = number | bigint | boolean | string;

export interface FieldChange {
  readonly field: string;
  /** Undefined on a side that has no such field. */
  readonly left: EventValue | undefined;
  readonly right: EventValue | undefined;
}

const NO_CHANGES: readonly FieldChange[] = [];

/** Compares events of one comparison. */
export class EventComparer {
  readonly #fields: Readonly<Record<EventKind, readonly string[]>>;

  constructor(ignored: Ignored) {
    const entries = (Object.keys(EVENT_KINDS) as EventKind[]).map((kind) => [
      kind,
      ['kind', ...Object.keys(EVENT_STAMP), ...Object.keys(EVENT_KINDS[kind].fields)].filter(
        (name) => !ignored.field(name),
      ),
    ]);
    this.#fields = Object.fromEntries(entries);
  }

  /** The same list, empty, for all events that are the same. */
  changes(left: VmEvent, right: VmEvent): readonly FieldChange[] {
    const [a, b] = [left, right] as unknown as readonly [Fields, Fields];
    let changes: FieldChange[] | undefined;
    const names = this.#fields[left.kind];
    for (let index = 0; index < names.length; index += 1) {
      const field = names[index] as string;
      if (a[field] === b[field]) continue;
      changes ??= [];
      changes.push({ field, left: a[field], right: b[field] });
    }
    return changes ?? NO_CHANGES;
  }
}

type Fields = Readonly<Record<string, EventValue | undefined>>;
