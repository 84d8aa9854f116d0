/** However long slices are, a run is the same: its events, its digests, and all state at its end. Workloads of mini-os under every mode, in slices of random lengths. */
import seedrandom from 'seedrandom';
import { describe, expect, it } from 'vitest';
import type { VmEvent } from '../../src/hypervisor/events.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { steppedMiniOs } from '../support/stepped-mini-os.ts';

const MODES = ['native', 'full', 'hvm', 'hvm-pv', 'pvh', 'pv'];
/** Each with iterations for some million cycles. */
const WORKLOADS = {
  ...{ syscall: 300, ctxsw: 60, fork: 6, mmap: 20, pagefault: 200, tick: 60, pipe: 40, console: 40 },
  ...{ 'disk-read': 40, 'disk-write': 40, 'net-rr': 60, 'net-stream': 100, compute: 60, mix: 3 },
};
/** Most cycles of a slice. */
const SLICES_MAX = [60_000, 900_000];
const WHOLE = 1e12;
const SEED = 'slices';

function runInSlices(mode: string, workload: string, iterations: number, nextSlice: () => number) {
  const stamps: string[] = [];
  const onEvent = ({ kind, cycle, icount }: VmEvent) => void stamps.push(`${kind} ${cycle} ${icount}`);
  const { session } = steppedMiniOs({ mode, append: '', workload, iterations, onEvent });
  while (session.end === undefined) session.run(nextSlice());
  return { digest: session.digest(), state: plainStateOf(session.vm), stamps };
}

describe.each(MODES)(`in slices of random lengths (seed ${SEED}), mode %s`, (mode) => {
  it.each(Object.entries(WORKLOADS))('%s is what it is in one', (workload, iterations) => {
    const random = seedrandom(`${SEED} ${mode} ${workload}`);
    const whole = runInSlices(mode, workload, iterations, () => WHOLE);
    for (const most of SLICES_MAX) {
      const sliced = runInSlices(mode, workload, iterations, () => 1 + Math.floor(random() * most));
      expect(sliced).toEqual(whole);
    }
  });
});
