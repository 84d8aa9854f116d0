/**
 * Recordings that are killed at random moments: whatever is left replays as far as it goes. The moment is a random size of the file, and a
 * random while after that; where it falls in the program is up to the host.
 */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import seedrandom from 'seedrandom';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sha256 } from '../../src/cli/host/files.ts';
import { createMachine } from '../../src/machine/create-machine.ts';
import { RecordingExhausted } from '../../src/replayer/checker.ts';
import { Replay } from '../../src/replayer/replay.ts';
import { memorySource } from '../../src/trace/byte-source.ts';
import { checkTrace, type TraceCheck } from '../../src/trace/check-trace.ts';
import { resolveImages } from '../../src/trace/images.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { repairTrace } from '../../src/trace/rewrite.ts';
import { Bundle } from '../cli/bundle.ts';
import { Scratch } from '../cli/fake-host.ts';

const KILLS = 200;
const LANES = 4;
const LATER_MS_MAX = 12;
const SEED = process.env.PARATRACE_SEED ?? 'killed';
const GUEST = ['mini-os', '--mode', 'full', '--workload', 'ctxsw', '--iterations', '600', '--stdin', '/dev/null'];

const scratch = new Scratch();
const bundle = new Bundle(scratch.folder);
let reference = Buffer.of();

beforeAll(async () => {
  await bundle.build();
  expect(bundle.run(['record', ...GUEST, '-o', 'whole.pvt']).status).toBe(0);
  reference = readFileSync(scratch.path('whole.pvt'));
});
afterAll(() => {
  bundle.remove();
  scratch.remove();
});

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
}

/** What is left of a recording that was killed; undefined if it came to its end before. */
async function killed(name: string, targetBytes: number, laterMs: number): Promise<Buffer | undefined> {
  const path = scratch.path(`${name}.pvt.partial`);
  const child = bundle.start(['record', ...GUEST, '--quiet', '-o', `${name}.pvt`]);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.stdout?.resume();
  child.stderr?.resume();
  while (child.exitCode === null && sizeOf(path) < targetBytes) await sleep(1);
  if (laterMs > 0) await sleep(laterMs);
  child.kill('SIGKILL');
  await ended;
  const left = sizeOf(path) < 0 ? undefined : readFileSync(path);
  rmSync(path, { force: true });
  rmSync(scratch.path(`${name}.pvt`), { force: true });
  return left;
}

/** All that is whole of a trace is the same again; only one that has its end ends by itself. */
function replayWhole(bytes: Uint8Array, events: number): void {
  const trace = openTrace(bytes, { partial: true });
  const images = resolveImages(
    trace.header.config,
    (digest) => trace.image(digest),
    () => undefined,
    sha256,
  );
  const replay = new Replay(trace, images, { console: { write: () => {} } }, (config) =>
    createMachine(config, 'translator'),
  );
  const run = () => {
    while (replay.run(10_000_000) === undefined);
  };
  if (bytes.length === reference.length) run();
  else expect(run).toThrow(RecordingExhausted);
  expect(replay.verified.events).toBe(events);
}

it(`recordings killed at ${KILLS} random moments replay up to their last whole chunk (seed ${SEED})`, async () => {
  const random = seedrandom(SEED);
  /** By number of whole chunks: they have the same bytes. */
  const lengths = new Map<number, TraceCheck>();
  let count = 0;
  const lane = async (id: number) => {
    while (count < KILLS) {
      const [target, later] = [random() * reference.length, random() < 0.5 ? 0 : random() * LATER_MS_MAX];
      const left = await killed(`lane-${id}`, target, later);
      if (left === undefined || count >= KILLS) continue;
      count += 1;
      // Nothing is in the file that a recording to the end has not there.
      expect(left.equals(reference.subarray(0, left.length))).toBe(true);
      const check = checkTrace(memorySource(left), sha256);
      // Killed between its last byte and its renaming, it is whole.
      expect(check.problem?.code).toBe(left.length === reference.length ? undefined : 'trace.truncated');
      expect(check.wholeBytes).toBeLessThanOrEqual(left.length);
      lengths.set(check.whole.length, check);
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, id) => lane(id)));
  expect(count).toBe(KILLS);
  expect(lengths.size).toBeGreaterThan(1);
  // The last moment that there is: all is written, and not yet renamed.
  const last = checkTrace(memorySource(reference), sha256);
  lengths.set(last.whole.length, last);
  for (const check of lengths.values()) {
    if (check.trace === undefined) continue;
    replayWhole(reference.subarray(0, check.wholeBytes), check.totals.events);
    const parts: Uint8Array[] = [];
    repairTrace(check, (part) => parts.push(part));
    expect(openTrace(Buffer.concat(parts)).totals).toEqual(check.totals);
  }
}, 240_000);
