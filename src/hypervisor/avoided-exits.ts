/**
 * Avoided exits: operations that an emulated machine would have trapped, and that cost the guest nothing here, because the interface is
 * shared memory or because one call does many of them. The hypervisor sees them where it looks anyway, or by watching a page
 * (`Machine.watchStores`), which costs the guest no cycle. What each of them stands for under emulation is in
 * `analysis/emulation-steps.ts`.
 */
import { type EventRow, fieldPlaces, ROW_KINDS } from './event-row.ts';
import type { EventStream, PassedPlace } from './event-stream.ts';

interface AvoidedRow {
  /** The axis of a mode on which it is avoided. */
  readonly axis: 'privileged' | 'interrupts' | 'devices';
  /** What the guest does. */
  readonly about: string;
}

/** By the names that events have for them. */
export const AVOIDED_OPERATIONS = {
  'interrupt-mask': { axis: 'interrupts', about: 'masked its interrupts by a store to the shared-info page' },
  'interrupt-unmask': { axis: 'interrupts', about: 'let interrupts in by a store to the shared-info page' },
  'interrupt-acknowledge': { axis: 'interrupts', about: 'cleared a pending bit in the shared-info page' },
  'ring-publish': { axis: 'devices', about: 'published ring entries without a notification of their own' },
  'page-table-write': {
    axis: 'privileged',
    about: 'changed page-table entries in a batch: those beyond the call itself',
  },
  'address-space-switch': { axis: 'privileged', about: 'loaded page tables in a batch: those beyond the call itself' },
  'translation-flush': { axis: 'privileged', about: 'flushed translations in a batch: those beyond the call itself' },
} as const satisfies Record<string, AvoidedRow>;
export type AvoidedOperation = keyof typeof AVOIDED_OPERATIONS;

/** Operations of one axis. */
export type AvoidedOn<A extends AvoidedRow['axis']> = {
  [K in AvoidedOperation]: (typeof AVOIDED_OPERATIONS)[K]['axis'] extends A ? K : never;
}[AvoidedOperation];

/** What a call of the paravirtual interface did that would have trapped under emulation. */
export interface CallWork {
  readonly tableWrites: number;
  readonly rootLoads: number;
  readonly flushes: number;
}

const AVOIDED = fieldPlaces('avoidedExit');

/** Tells of avoided exits. */
export class AvoidedExits {
  readonly #events: EventStream;

  constructor(events: EventStream) {
    this.#events = events;
  }

  /** @param line port of the event channel that an interrupt came by, else 0. @param device whose interrupt or ring it is, if any */
  add(hart: number, operation: AvoidedOperation, count = 1, line = 0, device = '', queue = 0): void {
    const row = this.#events.row(ROW_KINDS.avoidedExit, hart);
    row.setNumber(AVOIDED.queue, queue);
    row.setNumber(AVOIDED.count, count);
    this.#send(row, operation, line, device);
  }

  /** As {@link add}, for one at a place that the guest has passed. */
  addAt(place: PassedPlace, operation: AvoidedOperation, line = 0, device = ''): void {
    const row = this.#events.rowAt(ROW_KINDS.avoidedExit, place);
    row.setHalves(AVOIDED.queue, 0, 0);
    row.setHalves(AVOIDED.count, 1, 0);
    this.#send(row, operation, line, device);
  }

  /** What one call did beyond the one operation that its exit stands for: a table write if there was one, else a load, else a flush. */
  addBatch(hart: number, { tableWrites, rootLoads, flushes }: CallWork): void {
    // Asked of each call: it makes no object.
    if (tableWrites + rootLoads + flushes <= 1) return;
    const isWrite = tableWrites > 0;
    const isLoad = !isWrite && rootLoads > 0;
    const writes = isWrite ? tableWrites - 1 : 0;
    const loads = isLoad ? rootLoads - 1 : rootLoads;
    const flushed = isWrite || isLoad ? flushes : flushes - 1;
    if (writes > 0) this.add(hart, 'page-table-write', writes);
    if (loads > 0) this.add(hart, 'address-space-switch', loads);
    if (flushed > 0) this.add(hart, 'translation-flush', flushed);
  }

  #send(row: EventRow, operation: AvoidedOperation, line: number, device: string): void {
    row.setText(AVOIDED.operation, operation);
    row.setText(AVOIDED.device, device);
    row.setNumber(AVOIDED.line, line);
    this.#events.send(row);
  }
}
