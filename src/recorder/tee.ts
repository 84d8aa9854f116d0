/** Several observers as one: `replay -o` checks and records. */
import { tellRow } from '../hypervisor/event-row.ts';
import type { Observer } from '../session/ports.ts';

/** Tells each observer in turn. One that throws keeps the call from those after it: put a checker before a recorder. */
export function tee(...observers: readonly Observer[]): Observer {
  return {
    event: (event) => {
      for (const observer of observers) observer.event(event);
    },
    eventRow: (row) => {
      for (const observer of observers) tellRow(observer, row);
    },
    input: (input) => {
      for (const observer of observers) observer.input(input);
    },
    digest: (digest, counters) => {
      for (const observer of observers) observer.digest(digest, counters);
    },
    end: (end) => {
      for (const observer of observers) observer.end(end);
    },
  };
}
