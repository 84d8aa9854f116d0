import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventRow } from '../../src/hypervisor/event-row.ts';
import type { VmEvent } from '../../src/hypervisor/events.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { eventsOf, record, runArbitrary } from './arbitraries.ts';

function rowOf(event: VmEvent): EventRow {
  const row = new EventRow();
  row.fill(event);
  return row;
}

/** Another value of the same type. */
function other(value: unknown): unknown {
  if (typeof value === 'number') return value === 0 ? 1 : value - 1;
  if (typeof value === 'bigint') return value === 0n ? 1n : value - 1n;
  if (typeof value === 'boolean') return !value;
  return `${value}x`;
}

describe('an event as a row', () => {
  it('is the same event again', () => {
    fc.assert(
      fc.property(runArbitrary(60), (run) => {
        for (const event of eventsOf(run)) expect(rowOf(event).event()).toEqual(event);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses a value of another type, and a number that is no count', () => {
    const event = { kind: 'interrupt', cycle: 0, icount: 0, hart: 0, pc: 0n, cause: 5 } as const;
    for (const cause of [5n, '5', -1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => rowOf({ ...event, cause } as unknown as VmEvent)).toThrow('internal error');
    }
  });
});

describe('the rows of a trace', () => {
  it('are its events in order, and no others', () => {
    fc.assert(
      fc.property(runArbitrary(60), (run) => {
        const rows = openTrace(record(run)).rows();
        for (const event of eventsOf(run)) {
          expect(rows.hasNext).toBe(true);
          for (const [name, value] of Object.entries(event)) {
            if (name === 'kind') continue;
            const changed = { ...event, [name]: other(value) } as unknown as VmEvent;
            expect([name, rows.takeIf(rowOf(changed))]).toEqual([name, false]);
          }
          expect(rows.takeIf(rowOf(event))).toBe(true);
        }
        expect(rows.hasNext).toBe(false);
        expect(rows.takeIf(new EventRow())).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it('are told apart by their kind', () => {
    const stamp = { cycle: 1, icount: 1, hart: 0, pc: 0n };
    const calls = [{ what: 'event', value: { kind: 'idle', ...stamp } }] as const;
    const end = { cycle: 1, icount: 1, reason: 'poweroff', status: 0, message: '' } as const;
    const rows = openTrace(record({ calls, end })).rows();
    expect(rows.takeIf(rowOf({ kind: 'wake', ...stamp }))).toBe(false);
    expect(rows.takeIf(rowOf({ kind: 'idle', ...stamp }))).toBe(true);
  });
});
