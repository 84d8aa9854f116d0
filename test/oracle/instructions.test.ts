/**
 * The differential test: generated instructions run on QEMU and on Paratrace's machine, and every register, CSR, trap and byte of
 * memory must agree. Another seed: `PARATRACE_SEED=anything npm run test:oracle`.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { must } from '../../src/assert.ts';
import { INSNS } from '../../src/machine/isa/table.ts';
import { ENGINE_NAMES } from '../../src/machine/machine-types.ts';
import type { OracleCase } from './differential/case.ts';
import { compareBatch, emptyComparison } from './differential/compare.ts';
import { assembleHarness, runOnParatrace, runOnQemu } from './differential/hosts.ts';
import { buildImage } from './differential/image.ts';
import { AT, RAM_BASE, RECORD_BYTES } from './differential/layout.ts';
import { inBatches, planCases } from './differential/plan.ts';
import { createRandom } from './differential/random.ts';
import { REASONS } from './differential/unspecified.ts';

const INSTRUCTIONS_MIN = 200_000;
const HARNESS = join(import.meta.dirname, 'differential/harness.S');
const SEED = process.env.PARATRACE_SEED ?? 'paratrace';

describe('generated instructions against QEMU', () => {
  const comparisons = new Map(ENGINE_NAMES.map((engine) => [engine, emptyComparison()]));
  let cases: readonly OracleCase[] = [];

  beforeAll(() => {
    console.log(`differential test: seed "${SEED}"`);
    const harness = assembleHarness(HARNESS);
    const random = createRandom(SEED);
    cases = planCases(random, harness.trapVector);
    for (const batch of inBatches(cases)) {
      const image = buildImage(harness.code, batch, () => random.below(256));
      const expected = runOnQemu(image);
      for (const [engine, comparison] of comparisons) {
        compareBatch(batch, expected, runOnParatrace(image, engine), comparison);
      }
    }
  });

  it('covers every row of the table, with enough instructions', () => {
    const instructions = cases.reduce((sum, { code }) => sum + code.length, 0);
    console.log(`differential test: ${instructions} instructions in ${cases.length} cases`);
    expect(instructions).toBeGreaterThanOrEqual(INSTRUCTIONS_MIN);
    const covered = new Set(cases.map(({ row }) => row));
    expect(INSNS.map(({ name }) => name).filter((name) => !covered.has(name))).toEqual([]);
  });

  it.each(ENGINE_NAMES)('gives the same registers, CSRs, traps and memory on the %s', (engine) => {
    const { differing, messages } = must(comparisons.get(engine), 'a comparison for every engine');
    const counts = [...differing].map(([key, count]) => `${key}: ${count}`);
    expect(messages.join('\n'), `seed "${SEED}"; differing: ${counts.join(', ')}`).toBe('');
  });

  it('finds a single wrong bit', () => {
    const random = createRandom(SEED);
    const harness = assembleHarness(HARNESS);
    const few = planCases(random, harness.trapVector).slice(0, 50);
    const image = buildImage(harness.code, few, () => random.below(256));
    const right = runOnParatrace(image, 'interpreter');
    const wrong = right.slice();
    const at = AT.records - RAM_BASE + random.below(few.length * RECORD_BYTES);
    wrong[at] = (wrong[at] ?? 0) ^ (1 << random.below(8));
    const found = emptyComparison();
    compareBatch(few, right, right, found);
    expect(found.messages).toEqual([]);
    compareBatch(few, right, wrong, found);
    expect(found.messages).toHaveLength(1);
  });

  it.each(ENGINE_NAMES)('takes no liberty that is not needed on the %s', (engine) => {
    const { liberties } = must(comparisons.get(engine), 'a comparison for every engine');
    expect([...liberties.keys()].sort()).toEqual(Object.keys(REASONS).sort());
  });
});
