/** What rings tell, as a list of objects without stamps. */
import { EventRow } from '../../src/hypervisor/event-row.ts';
import type { RingEvent, RingEvents } from '../../src/hypervisor/rings/ring-events.ts';

/** Adds what it is told to `list`, in order. */
export function listRingEvents(list: RingEvent[]): RingEvents {
  return {
    emit: (event) => void list.push(event),
    row: (kind) => {
      const row = new EventRow();
      row.kind = kind;
      return row;
    },
    send: (row) => {
      const { cycle, icount, hart, pc, ...event } = row.event();
      list.push(event as RingEvent);
    },
  };
}
