import { expect, test } from 'vitest';
import { createRecorder } from '../../src/recorder/recorder.ts';
import { tee } from '../../src/recorder/tee.ts';
import type { Observer } from '../../src/session/ports.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { FakeHost, runFake } from '../replayer/fake-session.ts';
import { CONFIG, EMPTY_SHA256, join } from '../trace/arbitraries.ts';

const RUN = {
  config: { ...CONFIG, drives: [] },
  costProfile: { name: 'p', facts: { hypercall: null, exit: { cycles: 212, source: 'somewhere' } } },
  coreProfile: { name: 'rocket', clockHz: 1e9 },
  images: { guest: new Uint8Array(), initrd: undefined, drives: [] },
};

function recordFake(): Uint8Array {
  const parts: Uint8Array[] = [];
  runFake(
    new FakeHost('recorder', 50),
    createRecorder(RUN, (bytes) => parts.push(bytes)),
    { steps: 200 },
  );
  return join(parts);
}

test('a recording holds the configuration, the profiles and the guest', () => {
  const trace = openTrace(recordFake());
  expect(trace.header.config).toEqual(RUN.config);
  expect(trace.header.costProfile).toEqual(RUN.costProfile);
  expect(trace.header.coreProfile).toEqual({ name: 'rocket', clockHz: 1e9 });
  expect(trace.embedded).toEqual([EMPTY_SHA256]);
  expect(trace.image(EMPTY_SHA256)).toEqual(new Uint8Array());
  expect(trace.end?.reason).toBe('poweroff');
  expect(trace.totals.inputBytes).toBe(50);
});

test('the same run recorded twice has the same bytes', () => {
  expect(recordFake()).toEqual(recordFake());
});

test('a tee tells all observers in order, and stops at one that throws', () => {
  const calls: string[] = [];
  const observer = (name: string): Observer => ({
    event: () => calls.push(`${name} event`),
    input: () => calls.push(`${name} input`),
    digest: () => {
      calls.push(`${name} digest`);
      if (name === 'a') throw new Error('stop');
    },
    end: () => calls.push(`${name} end`),
  });
  const both = tee(observer('a'), observer('b'));
  both.event({ kind: 'idle', cycle: 0, icount: 0, hart: 0, pc: 0n });
  both.input({ cycle: 0, icount: 0, port: 'uart0', via: 'pull', bytes: new Uint8Array(1) });
  expect(() => both.digest({ cycle: 0, icount: 0, memory: 0n, harts: 0n, devices: 0n })).toThrow('stop');
  both.end({ cycle: 0, icount: 0, reason: 'poweroff', status: 0, message: '' });
  expect(calls).toEqual(['a event', 'b event', 'a input', 'b input', 'a digest', 'a end', 'b end']);
});
