/** Short scripts of events for tests: only the fields that matter are given, the rest is zero, empty or false. */
import { EVENT_KINDS, type EventKind, type FieldType, type VmEvent } from '../../src/hypervisor/events.ts';
import { EventTable } from '../../src/viz/event-table.ts';
import { buildTimelineModel, type ReportFacts } from '../../src/viz/timeline-model.ts';
import { SYNTHETIC_NAMES, syntheticFacts } from './synthetic-events.ts';

type Given = Readonly<Record<string, number | bigint | boolean | string>>;

/** An event of `kind` at `cycle`. */
export function eventAt(cycle: number, kind: EventKind, given: Given = {}): VmEvent {
  const row: Readonly<Record<string, FieldType>> = EVENT_KINDS[kind].fields;
  const fields = Object.entries(row).map(([field, type]) => [field, ZERO[type]]);
  const event = { kind, cycle, icount: cycle, hart: 0, pc: 0x8000_0000n, ...Object.fromEntries(fields), ...given };
  return event as unknown as VmEvent;
}

const ZERO = { u8: 0, u16: 0, u32: 0, u53: 0, u64: 0n, i64: 0n, bool: false, name: '' } as const;

/** A table of some events, as the page would open it. */
export function tableOf(events: readonly VmEvent[], facts: Partial<ReportFacts> = {}): EventTable {
  const hartCount = facts.hartCount ?? 1;
  return new EventTable(
    buildTimelineModel(events, { ...syntheticFacts(events, hartCount), ...facts }, SYNTHETIC_NAMES),
  );
}
