/** Generated programs, native, on two stages and deprivileged, each in both tiers in step: the guest sees no difference. */
import { expect, it } from 'vitest';
import { virtualCheck } from '../support/virtual-check.ts';

const GROUPS = 25;
const PROGRAMS = 12;

it.each(Array.from({ length: GROUPS }, (_, group) => `virtual one ${group}`))('seed "%s"', (seed) => {
  expect(virtualCheck(seed, PROGRAMS, [1])).toBeGreaterThan(0);
});

it.each(Array.from({ length: GROUPS }, (_, group) => `virtual many ${group}`))('seed "%s"', (seed) => {
  expect(virtualCheck(seed, PROGRAMS, [2, 3, 4])).toBeGreaterThan(0);
});
