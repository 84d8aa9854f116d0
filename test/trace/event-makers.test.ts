import { expect, test } from 'vitest';
import { eventMaker } from '../../src/trace/event-makers.ts';
import { EVENT_SPECS } from '../../src/trace/schema.ts';

test('every kind of event has a maker of its own', () => {
  const makers = EVENT_SPECS.map(({ code }) => eventMaker(code));
  expect(new Set(makers).size).toBe(EVENT_SPECS.length);
});

test('a maker copies its template and sets what varies', () => {
  const template = { kind: 'mmio', cycle: 0, icount: 0, value: undefined };
  const fields = [{ name: 'value', values: [5n, 6n] }];
  expect(eventMaker(2)(template, 7, 8, fields, 1)).toEqual({ kind: 'mmio', cycle: 7, icount: 8, value: 6n });
  expect(template.cycle).toBe(0);
});
