/** A thousand generated programs on two to four harts that share memory, in both tiers in step. */
import { expect, it } from 'vitest';
import { crossCheck } from '../support/program-runner.ts';

const GROUPS = 50;
const PROGRAMS = 20;

it.each(Array.from({ length: GROUPS }, (_, group) => `many ${group}`))('seed "%s"', (seed) => {
  expect(crossCheck(seed, PROGRAMS, [2, 3, 4]).regions).toBeGreaterThan(PROGRAMS);
});
