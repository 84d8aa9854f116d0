/** The benchmark guests, with few iterations, compute the same under QEMU and under either tier: else the benchmark compares nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COLUMNS, Hosts } from '../../bench/hosts.mjs';
import { WORKLOADS } from '../../bench/workloads.mjs';
import { ROOT, runProgram } from '../support/programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'paratrace-bench-'));
const hosts = new Hosts(ROOT, folder);
/** Part of a short benchmark run: enough for hot code to be translated. */
const PART = 4;

beforeAll(() => {
  const { status, stderr } = runProgram('make', ['--silent', '-C', join(ROOT, 'bench/guests'), `OUT=${folder}`]);
  expect(status, stderr).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const column = (id: string) => {
  const found = COLUMNS.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no column ${id}`);
  return found;
};

describe('a benchmark guest', () => {
  it.each(WORKLOADS)('$name computes the same everywhere', async (workload) => {
    const iterations = Math.ceil(workload.short / PART);
    const qemu = await hosts.guest(column('icount'), workload, iterations);
    const translated = await hosts.guest(column('record'), workload, iterations);
    const replayed = await hosts.guest(column('replay'), workload, iterations);
    const interpreted = await hosts.guest(column('recordInterpreter'), workload, iterations);
    expect(translated.checksum).toBe(qemu.checksum);
    for (const ours of [replayed, interpreted]) {
      expect([ours.checksum, ours.instructions]).toEqual([translated.checksum, translated.instructions]);
    }
    const none = await hosts.guest(column('record'), workload, 0);
    expect(translated.instructions).toBeGreaterThan(none.instructions);
  });
});
