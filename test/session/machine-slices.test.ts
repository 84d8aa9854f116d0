/** Slices and turns on the real machine: the bundled guest, which uses every device, timers and all harts. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineMachine } from '../../src/machine/machine.ts';
import { ScriptInput } from '../../src/session/inputs.ts';
import { Session } from '../../src/session/session.ts';
import { TEST_CONFIG } from '../support/scripted-vm.ts';

const GUEST = new Uint8Array(readFileSync(new URL('../../guests/bin/ring-tour.elf', import.meta.url)));

/** Everything that a run tells, as text, and its end. */
function run(mode: 'native' | 'pvh', hartCount: number, sliceOf: (slice: number) => number) {
  const told: unknown[] = [];
  const note = (value: unknown) => void told.push(value);
  const config = { ...TEST_CONFIG, mode, hartCount, memoryBytes: 16 * 2 ** 20, digestIntervalCycles: 300_000 };
  const session = new Session(
    { ...config, guest: { ...config.guest, name: 'ring-tour.elf' } },
    { guest: GUEST, initrd: undefined, drives: [] },
    {
      input: new ScriptInput(new TextEncoder().encode('typed\n')),
      observer: { event: note, input: note, digest: note, end: note },
      console: { write: (stream, bytes) => note([stream, ...bytes]) },
    },
    (machine) => new EngineMachine(machine),
  );
  for (let slice = 0; !session.end; slice++) session.run(sliceOf(slice));
  const plain = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);
  return { text: JSON.stringify(told, plain), end: session.end };
}

describe.each(['native', 'pvh'] as const)('the bundled guest in mode %s', (mode) => {
  it.each([1, 4])('runs the same on %i harts, however it is sliced', (hartCount) => {
    const whole = run(mode, hartCount, () => Number.MAX_SAFE_INTEGER);
    expect(whole.end).toMatchObject({ reason: 'poweroff', status: 0 });
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 100, max: 200_000 }), { minLength: 1, maxLength: 30 }), (lengths) => {
        expect(run(mode, hartCount, (slice) => lengths[slice % lengths.length] ?? 1).text).toBe(whole.text);
      }),
      { numRuns: 6 },
    );
  });
});
