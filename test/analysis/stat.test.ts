import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { syntheticEvents } from '../../bench/synthetic-events.ts';
import { computeStatistics } from '../../src/analysis/stat.ts';
import { costOf, isPriced, type VmEvent } from '../../src/hypervisor/events.ts';
import { eventsOf, runArbitrary } from '../trace/arbitraries.ts';
import { NAMES } from './names.ts';

const COSTS = { entryCycles: 20, handlingCycles: 10, returnCycles: 30 };

function at(cycle: number, hart: number, event: Record<string, unknown>): VmEvent {
  return { cycle, icount: cycle, hart, pc: 0n, ...event } as unknown as VmEvent;
}

function lsr(cycle: number, hart: number, handlingCycles = 10): VmEvent {
  const access = { device: 'uart0', register: 'LSR', gpa: 0, sizeBytes: 1, write: false, value: 0n };
  return at(cycle, hart, { kind: 'mmio', ...COSTS, handlingCycles, ...access });
}

describe('statistics', () => {
  test('count exits by reason with their cycles, per hart', () => {
    const { reasons, harts, cycles, hypervisorCycles, guestCycles } = computeStatistics(
      [
        lsr(100, 0),
        at(300, 1, { kind: 'exit', ...COSTS, reason: 'preempt' }),
        lsr(500, 1, 70),
        at(1000, 0, { kind: 'interrupt', cause: 9 }),
      ],
      2,
      NAMES,
    );
    expect(cycles).toBe(1000);
    expect(reasons).toEqual([
      {
        kind: 'mmio',
        reason: 'uart0.LSR read',
        count: 2,
        totalCycles: 180,
        share: 0.18,
        minCycles: 60,
        meanCycles: 90,
        maxCycles: 120,
        countByHart: [1, 1],
      },
      {
        kind: 'exit',
        reason: 'preempt',
        count: 1,
        totalCycles: 60,
        share: 0.06,
        minCycles: 60,
        meanCycles: 60,
        maxCycles: 60,
        countByHart: [0, 1],
      },
    ]);
    expect(harts).toEqual([
      { hart: 0, events: 2, exits: 1, hypervisorCycles: 60, interrupts: 1, waitingCycles: 0 },
      { hart: 1, events: 2, exits: 2, hypervisorCycles: 180, interrupts: 0, waitingCycles: 0 },
    ]);
    expect([hypervisorCycles, guestCycles]).toEqual([240, 760]);
  });

  test('tell idle time from waiting while another hart runs', () => {
    const stat = computeStatistics(
      [
        at(100, 0, { kind: 'exit', ...COSTS, reason: 'wfi' }),
        at(160, 0, { kind: 'idle' }),
        // Hart 1 has the processor from 160 to 400, then waits too: nobody runs until 1000.
        at(160, 1, { kind: 'turn', from: 0 }),
        at(400, 1, { kind: 'idle' }),
        at(1000, 0, { kind: 'inject', ...COSTS, source: 'timer', line: 5 }),
        at(1060, 0, { kind: 'turn', from: 1 }),
        at(1060, 0, { kind: 'wake' }),
      ],
      2,
      NAMES,
      { cycle: 1500, icount: 900 },
    );
    expect(stat.idleCycles).toBe(600);
    expect(stat.hypervisorCycles).toBe(120);
    expect(stat.guestCycles).toBe(780);
    expect(stat.harts.map((hart) => hart.waitingCycles)).toEqual([900, 1100]);
    expect(stat.icount).toBe(900);
  });

  test('sum up what each ring did', () => {
    const ring = { device: 'virtio1', queue: 0 };
    const chain = { head: 1, descriptors: 3, indirect: false };
    const { rings } = computeStatistics(
      [
        at(1, 0, { kind: 'notify', ...ring, availIndex: 2, waiting: 2 }),
        at(1, 0, { kind: 'take', ...ring, ...chain, readableBytes: 16, writableBytes: 513, inFlight: 1 }),
        at(1, 0, { kind: 'take', ...ring, ...chain, readableBytes: 16, writableBytes: 513, inFlight: 2 }),
        at(2, 0, { kind: 'complete', ...ring, head: 1, writtenBytes: 513, usedIndex: 1, inFlight: 1 }),
        at(2, 0, { kind: 'used', ...ring, usedIndex: 1, delivered: true }),
        at(3, 0, { kind: 'used', ...ring, usedIndex: 1, delivered: false }),
        at(3, 0, { kind: 'broken', device: 'virtio0', queue: 1, what: 'loop', offending: 0n }),
      ],
      1,
      NAMES,
    );
    const zero = {
      notifications: 0,
      chainsTaken: 0,
      chainsCompleted: 0,
      readableBytes: 0,
      writtenBytes: 0,
      inFlightMax: 0,
      interruptsDelivered: 0,
      interruptsSuppressed: 0,
      framesDropped: 0,
      broken: 0,
    };
    expect(rings).toEqual([
      { ...zero, device: 'virtio0', queue: 1, broken: 1 },
      {
        ...zero,
        ...ring,
        notifications: 1,
        chainsTaken: 2,
        chainsCompleted: 1,
        readableBytes: 32,
        writtenBytes: 513,
        inFlightMax: 2,
        interruptsDelivered: 1,
        interruptsSuppressed: 1,
      },
    ]);
  });

  test('of a plausible run account for every cycle and every exit', () => {
    const events = [...syntheticEvents(5000)];
    const stat = computeStatistics(events, 1, NAMES);
    const priced = events.filter(isPriced);
    expect(stat.reasons.reduce((sum, row) => sum + row.count, 0)).toBe(priced.length);
    expect(stat.reasons.reduce((sum, row) => sum + row.totalCycles, 0)).toBe(
      priced.reduce((sum, event) => sum + costOf(event), 0),
    );
    expect(stat.guestCycles + stat.hypervisorCycles + stat.idleCycles).toBe(stat.cycles);
    expect(stat.idleCycles).toBeGreaterThan(0);
    expect(stat.reasons.map((row) => row.reason).join()).not.toMatch(/unknown|undefined/);
  });

  test('of any run never lose or invent a cycle', () => {
    const property = fc.property(runArbitrary(60), (run) => {
      const stat = computeStatistics(eventsOf(run), 8, NAMES, run.end);
      for (const cycles of [stat.guestCycles, stat.hypervisorCycles, stat.idleCycles])
        expect(cycles).toBeGreaterThanOrEqual(0);
      expect(stat.guestCycles + stat.hypervisorCycles + stat.idleCycles).toBe(stat.cycles);
      expect(stat.cycles).toBe(run.end.cycle);
    });
    fc.assert(property);
  });

  test('of a guest that calls ever new functions stay bounded', () => {
    const call = { kind: 'hypercall', ...COSTS, fid: 0n, error: 0n };
    const events = Array.from({ length: 5000 }, (_, index) => at(index, 0, { ...call, eid: BigInt(index) }));
    const { reasons } = computeStatistics(events, 1, NAMES);
    expect(reasons.length).toBeLessThan(1100);
    expect(reasons.reduce((sum, row) => sum + row.count, 0)).toBe(5000);
    expect(reasons[0]).toMatchObject({ reason: 'other hypercall' });
  });
});
