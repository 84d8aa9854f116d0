import { describe, expect, it } from 'vitest';
import { EVENT_KINDS, type EventKind } from '../../src/hypervisor/events.ts';
import { describeEvent, describeEventsIn, describeFlow, summarizeEvent } from '../../src/viz/describe.ts';
import { buildTimeline } from '../../src/viz/timeline.ts';
import { eventAt, tableOf } from '../support/event-script.ts';

describe('describeEvent', () => {
  it('decodes a hypercall: function, named arguments, error', () => {
    const table = tableOf([
      eventAt(10, 'hypercall', {
        eid: 0x4442434en,
        arg0: 12n,
        arg1: 0x8000_1000n,
        arg5: 99n,
        error: -2n,
        entryCycles: 400,
        handlingCycles: 300,
        returnCycles: 200,
      }),
    ]);
    const { title, facts, costs, place } = describeEvent(table, 0);
    expect(title).toBe('Hypercall: debug console write');
    expect(facts).toContainEqual({ label: 'a0 length', value: '0xc' });
    expect(facts).toContainEqual({ label: 'a1 base_low', value: '0x80001000' });
    expect(facts.some(({ value }) => value === '0x63')).toBe(false);
    expect(facts).toContainEqual({ label: 'error', value: 'SBI_ERR_NOT_SUPPORTED (-2)' });
    expect(costs).toContainEqual({ label: 'total', value: '900 cycles' });
    expect(place).toContainEqual({ label: 'pc', value: '0x80000000' });
  });

  it('decodes a register access', () => {
    const table = tableOf([
      eventAt(10, 'mmio', {
        device: 'uart0',
        register: 'THR',
        write: true,
        value: 65n,
        gpa: 0x1000_0000,
        sizeBytes: 1,
      }),
    ]);
    expect(describeEvent(table, 0).title).toBe('Write to uart0.THR');
    expect(summarizeEvent(table, 0)[1]).toBe('value 0x41 · address 0x10000000 · size 1 byte');
  });

  it('has words for every kind of event', () => {
    const kinds = Object.keys(EVENT_KINDS) as EventKind[];
    const table = tableOf(kinds.map((kind, i) => eventAt(i, kind)));
    kinds.forEach((kind, i) => {
      const { title, about, facts, costs, place } = describeEvent(table, i);
      expect(about).toBe(EVENT_KINDS[kind].about);
      const text = JSON.stringify([title, facts, costs, place, summarizeEvent(table, i)]);
      expect(text).not.toMatch(/undefined|NaN|\[object/);
    });
  });
});

describe('describeEventsIn', () => {
  it('lists the most frequent sorts', () => {
    const registers = ['LSR', 'THR', 'LSR', 'LSR', 'IER', 'THR', 'MCR'];
    const table = tableOf(registers.map((register, i) => eventAt(i, 'mmio', { device: 'uart0', register })));
    const all = Uint32Array.from(registers, (_, i) => i);
    expect(describeEventsIn(table, all, 0, all.length)).toEqual([
      '3 × uart0.LSR read',
      '2 × uart0.THR read',
      '1 × uart0.IER read',
      'and 1 other sort',
    ]);
    expect(describeEventsIn(table, all, 4, 1)).toEqual(['1 × uart0.IER read']);
  });
});

describe('describeFlow', () => {
  it('gives the cycles between the steps of a chain', () => {
    const ring = { device: 'virtio-blk0', queue: 0 };
    const table = tableOf([
      eventAt(100, 'notify', { ...ring, waiting: 1 }),
      eventAt(130, 'take', { ...ring, inFlight: 1 }),
      eventAt(400, 'complete', { ...ring }),
      eventAt(400, 'used', { ...ring, delivered: true }),
    ]);
    const flow = buildTimeline(table).flows.of(1);
    if (flow === undefined) throw new Error('a take has a flow');
    expect(describeFlow(table, flow).map(({ name, sinceCycles }) => [name, sinceCycles])).toEqual([
      ['notify', undefined],
      ['take', 30],
      ['complete', 270],
      ['used', 0],
    ]);
  });
});
