import { describe, expect, it } from 'vitest';
import type { ProfileResult } from '../../../src/cli/profile/profile.ts';
import { profileTable } from '../../../src/cli/profile/profile-table.ts';

const RESULT: ProfileResult = {
  sections: [
    { name: 'starting', ms: 100, count: 0 },
    { name: 'guest executes', ms: 800, count: 1_000 },
    { name: 'exits: stuck', ms: 0, count: 0 },
    { name: 'device: uart0', ms: 100, count: 200_000 },
  ],
  executingMs: 800,
  instructions: 400_000_000,
  regions: undefined,
  tierCosts: undefined,
  background: { count: 0, ms: 0 },
};

const REGIONS = { liveModules: 2, modules: 3, regions: 40, insns: 1_500, moduleBytes: 60_000, retired: 300_000_000 };

describe('the table of a profile', () => {
  it('has a row for what happened, and their sum', () => {
    expect(profileTable(RESULT)).toMatchInlineSnapshot(`
      "wall time           ms    share    times  ns each
      starting         100.0   10.0 %        0
      guest executes   800.0   80.0 %    1,000  800,000
      device: uart0    100.0   10.0 %  200,000      500
      total           1000.0  100.0 %

      instructions  400,000,000, 500 MIPS while the guest executes
      tiers         interpreter alone"
    `);
  });

  it('says what the translator did', () => {
    const tierCosts = { interpretedNs: 6, translatedNs: 1 };
    const result = { ...RESULT, regions: REGIONS, tierCosts, background: { count: 3, ms: 12.34 } };
    expect(
      profileTable(result, { sizeBytes: 54_321, besideGuest: { batches: 12, busyMs: 34.56 } }).split('\n\n')[1],
    ).toMatchInlineSnapshot(`
      "instructions               400,000,000, 500 MIPS while the guest executes
        in translated code       300,000,000 (75.0 %)
        interpreted              100,000,000
      time by tier               estimated: translated code 267 ms (1.0 ns each), interpreter 533 ms (6.0 ns each)
      translated                 1,500 instructions to 40 regions in 3 modules (2 alive), 60,000 bytes
      compiled beside the guest  3 modules, 12.3 ms from start to arrival, not in the total
      recorded beside the guest  12 batches of records in 34.6 ms, not in the total
      trace                      54,321 bytes"
    `);
  });

  it('says that there is no estimate', () => {
    expect(profileTable({ ...RESULT, regions: REGIONS })).toMatch(/^time by tier +cannot be estimated/m);
  });
});
