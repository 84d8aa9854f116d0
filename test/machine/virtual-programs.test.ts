/** Generated programs, native and virtualized: a part of those that `npm run test:tiers` runs. */
import { expect, it } from 'vitest';
import { virtualCheck } from '../support/virtual-check.ts';

const PROGRAMS = 8;

it.each([0, 1, 2, 3])('end alike on one hart (seed "virtual one %i")', (group) => {
  expect(virtualCheck(`virtual one ${group}`, PROGRAMS, [1])).toBeGreaterThan(0);
});

it.each([0, 1])('end alike on several harts (seed "virtual many %i")', (group) => {
  expect(virtualCheck(`virtual many ${group}`, PROGRAMS, [2, 3])).toBeGreaterThan(0);
});
