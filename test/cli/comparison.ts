/** Comparisons of mini-os by the command, for tests of what they show. */
import { expect } from 'vitest';
import type { Comparison, ModeColumn } from '../../src/analysis/comparison.ts';
import { must } from '../../src/assert.ts';
import { paratrace } from './fake-host.ts';

export interface Compared {
  readonly comparison: Comparison;
  readonly of: (mode: string) => ModeColumn;
  /** Cycles over those of `native`. */
  readonly overhead: (mode: string) => number;
}

/** Runs `compare` on a workload. */
export async function compare(workload: string, iterations: number, ...args: readonly string[]): Promise<Compared> {
  const options = ['--workload', workload, '--iterations', String(iterations), '--json', '--quiet'];
  const outcome = await paratrace(['compare', 'mini-os', ...options, ...args]);
  expect(outcome.code, outcome.stderr).toBe(0);
  const comparison = JSON.parse(outcome.stdout) as Comparison;
  const of = (mode: string): ModeColumn =>
    must(
      comparison.modes.find((column) => column.mode === mode),
      mode,
    );
  return { comparison, of, overhead: (mode) => of(mode).overhead ?? Number.NaN };
}
