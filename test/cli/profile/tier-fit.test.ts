import { describe, expect, it } from 'vitest';
import { must } from '../../../src/assert.ts';
import { TierFit } from '../../../src/cli/profile/tier-fit.ts';

const MILLION = 1_000_000;
const INTERPRETED_NS = 8;
const TRANSLATED_NS = 0.5;

/** Slices of a run that warms up: less and less is interpreted. `noise` is a factor on the time of each slice. */
function warmUp(slices: number, noise: (slice: number) => number = () => 1): TierFit {
  const fit = new TierFit();
  for (let slice = 0; slice < slices; slice++) {
    const interpreted = (MILLION * 2) / (slice + 1);
    const translated = MILLION * 3 * slice;
    fit.add(
      interpreted,
      translated,
      ((interpreted * INTERPRETED_NS + translated * TRANSLATED_NS) / 1e6) * noise(slice),
    );
  }
  return fit;
}

describe('the fit of tiers', () => {
  it('finds what an instruction of each tier takes', () => {
    const { interpretedNs, translatedNs } = must(warmUp(20).costs, 'costs');
    expect(interpretedNs).toBeCloseTo(INTERPRETED_NS, 6);
    expect(translatedNs).toBeCloseTo(TRANSLATED_NS, 6);
  });

  it('bears slices that differ a little', () => {
    const { interpretedNs, translatedNs } = must(warmUp(20, (slice) => (slice % 2 === 0 ? 1.05 : 0.95)).costs, 'costs');
    expect(Math.abs(interpretedNs / INTERPRETED_NS - 1)).toBeLessThan(0.5);
    expect(Math.abs(translatedNs / TRANSLATED_NS - 1)).toBeLessThan(0.1);
  });

  it('says nothing of few slices', () => {
    expect(warmUp(7).costs).toBeUndefined();
    expect(new TierFit().costs).toBeUndefined();
  });

  it('says nothing where all slices have the same mixture', () => {
    const fit = new TierFit();
    for (let slice = 1; slice < 20; slice++) fit.add(slice * 1000, slice * 30_000, slice);
    expect(fit.costs).toBeUndefined();
  });

  it('says nothing of one tier alone', () => {
    const fit = new TierFit();
    for (let slice = 1; slice < 20; slice++) fit.add(slice * 1000, 0, slice);
    expect(fit.costs).toBeUndefined();
  });

  it('says nothing where time follows something else', () => {
    expect(warmUp(20, (slice) => (slice % 3 === 0 ? 4 : 0.3)).costs).toBeUndefined();
  });
});
