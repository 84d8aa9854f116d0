/** Digests of real runs, made by the shortest way from the definition of the state: as plain data, by the plainest encoder, hashed without the engine. */
import { describe, expect, it } from 'vitest';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { canonicalReference } from '../support/canonical-reference.ts';
import { steppedMiniOs } from '../support/stepped-mini-os.ts';
import { xxh64 } from '../support/xxhash64.ts';

const MODES = ['native', 'full', 'hvm', 'hvm-pv', 'pvh', 'pv'];
const SLICE_CYCLES = 40_009;
const SLICES = 150;

describe.each(MODES)('digests of a run in mode %s', (mode) => {
  it.each(['disk-write', 'net-rr'])('with %s, taken again and again, are those of the state', (workload) => {
    const { session, machine } = steppedMiniOs({ mode, append: '', workload, iterations: 6 });
    const seen = new Set<bigint>();
    for (let slice = 0; slice < SLICES && session.end === undefined; slice++) {
      session.run(SLICE_CYCLES);
      const { harts, devices } = session.digest();
      const hartStates = { harts: machine.harts.map(plainStateOf) };
      expect(harts, `harts after slice ${slice}`).toBe(xxh64(canonicalReference(hartStates)));
      expect(devices, `devices after slice ${slice}`).toBe(xxh64(canonicalReference(plainStateOf(session.vm))));
      seen.add(devices);
    }
    expect(seen.size).toBeGreaterThan(3);
  });
});
