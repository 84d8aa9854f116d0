/** The guest boots as it did: compared event by event, cycle by cycle, with what was recorded when it was last looked at. */
import { recordTrace } from 'paratrace/vitest';
import { describe, expect, it } from 'vitest';

/** Arguments as for `paratrace record`. A project of its own would name its kernel: `build/kernel.elf`. */
const BOOT = ['ring-tour', '--mode', 'pvh', '--digests', '500k'];

describe('the guest', () => {
  // Its image is not kept in the golden: it is found again by its digest.
  const trace = recordTrace(BOOT, { images: 'named' });

  it('boots as it did', () => {
    expect(trace).toMatchGoldenTrace('boot');
  });

  it('does the same on a core that takes other cycles', () => {
    const other = recordTrace([...BOOT, '--core', 'u74'], { images: 'named' });
    // What it does follows from the guest; when and where its timers find it, from the core.
    expect(other).toMatchGoldenTrace('boot-u74');
  });

  it('replays identically', () => {
    expect(trace).toReplayIdentically();
  });
});
