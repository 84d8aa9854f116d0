import { describe, expect, it } from 'vitest';
import { sumByCause } from '../../src/analysis/causes.ts';
import { compareRuns, type MeasuredRun } from '../../src/analysis/comparison.ts';
import { computeStatistics } from '../../src/analysis/stat.ts';
import { must } from '../../src/assert.ts';
import { MODES } from '../../src/hypervisor/modes/modes.ts';
import type { ModeName } from '../../src/session/config.ts';
import { RUN_DEFAULTS } from '../../src/session/run-defaults.ts';
import { eventAt } from '../support/event-script.ts';
import { NAMES } from './names.ts';

const COST = { entryCycles: 10, handlingCycles: 70, returnCycles: 20 };

/** A run of 10,000 cycles of which 1,000 are idle, with one exit for each of some reasons. */
function run(mode: ModeName, output = 'a: iterations 5 checksum 1f\n', given: Partial<MeasuredRun> = {}): MeasuredRun {
  const guest = { name: 'guest', sizeBytes: 1, sha256: '' };
  const config = { ...RUN_DEFAULTS, mode, guest, initrd: undefined, drives: [] };
  const events = [
    eventAt(1000, 'exit', { ...COST, reason: 'csr sepc' }),
    eventAt(2000, 'exit', { ...COST, reason: 'csr satp' }),
    eventAt(3000, 'mmio', { ...COST, device: 'virtio0', register: 'QueueNotify', write: true }),
    eventAt(4000, 'mmio', { ...COST, device: 'virtio0', register: 'Status' }),
    eventAt(5000, 'inject', { ...COST, source: 'virtio0' }),
    eventAt(6000, 'idle'),
    eventAt(7000, 'wake'),
  ];
  const end = { cycle: 10_000, icount: 4000, reason: 'poweroff', status: 0, message: 'off' } as const;
  const statistics = computeStatistics(events, 1, NAMES, end);
  const counters = { tlbMisses: 5, walkReferences: 15, walkReferenceCycles: 24, guestChanged: undefined };
  return { config, end, statistics, ...counters, output, ...given };
}

describe('a comparison', () => {
  it('takes shares, throughput and overhead from the cycles that are not idle', () => {
    const native = run('native', undefined, { walkReferences: 5 });
    const { modes } = compareRuns([native, run('full')]);
    expect(modes[0]).toMatchObject({ cycles: { platform: 300, hypervisor: 200 }, overhead: 1 });
    expect(modes[1]).toMatchObject({
      cycles: { all: 10_000, guest: 8500, platform: 0, hypervisor: 500, idle: 1000 },
      busyCycles: 9000,
      exits: 4,
      exitsPerThousandInstructions: 1,
      exitsAvoided: 0,
      hypervisorShare: 500 / 9000,
      handlers: 5,
      overhead: 1,
      throughput: { unit: 'iterations', count: 5, perMillionCycles: 5e6 / 9000 },
      tlb: { misses: 5, walkReferences: 15, extraReferences: 10, extraCycles: 240 },
    });
    expect(modes[1]?.byCause.sensitive).toEqual({ exits: 2, cycles: 200, share: 200 / 9000 });
    expect(modes[1]?.byCause.interrupts).toEqual({ exits: 0, cycles: 100, share: 100 / 9000 });
  });

  it('counts instructions where no workload said how often it was done', () => {
    expect(compareRuns([run('pvh', 'hello\n')]).modes[0]?.throughput).toMatchObject({
      unit: 'instructions',
      count: 4000,
    });
  });

  it('finds the first line that differs, and an output that ends early', () => {
    const same = 'one\ntwo\n';
    expect(compareRuns([run('native', same), run('full', same)])).toMatchObject({
      outputIsSame: true,
      difference: null,
    });
    const other = compareRuns([run('native', same), run('full', same), run('hvm', 'one\nTWO\n')]);
    expect(other.difference).toEqual({ modes: ['native', 'hvm'], line: 2, texts: ['two', 'TWO'] });
    const longer = compareRuns([run('native', 'one'), run('full', 'one\ntwo')]);
    expect(longer.difference).toEqual({ modes: ['native', 'full'], line: 2, texts: [null, 'two'] });
  });
});

describe('sums by cause', () => {
  it('tell notifications from other registers, and put what no operation names apart', () => {
    const { reasons } = run('pvh').statistics;
    const sums = sumByCause(must(MODES.pvh, 'a mode'), reasons);
    expect(sums.byCause.notifications).toEqual({ exits: 1, cycles: 100 });
    expect(sums.byCause.devices).toEqual({ exits: 1, cycles: 100 });
    // A guest in VS-mode has no exits at CSRs.
    expect(sums.other).toEqual({ exits: 2, cycles: 200 });
  });
});
