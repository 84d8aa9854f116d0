/** A thousand generated programs on one hart, in both tiers in step. */
import { expect, it } from 'vitest';
import { crossCheck } from '../support/program-runner.ts';

const GROUPS = 50;
const PROGRAMS = 20;

it.each(Array.from({ length: GROUPS }, (_, group) => `one ${group}`))('seed "%s"', (seed) => {
  expect(crossCheck(seed, PROGRAMS, [1]).regions).toBeGreaterThan(PROGRAMS);
});
