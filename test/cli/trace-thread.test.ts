/** The thread that makes a trace, as the build makes it: it makes the same one, and where it fails the run does. */
import { closeSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { syntheticEvents } from '../../bench/synthetic-events.ts';
import { SYNTHETIC_HEADER } from '../../bench/synthetic-header.ts';
import { sharedRoom, TraceThread } from '../../src/cli/host/trace-thread.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { RecordGatherer } from '../../src/trace/record-batch.ts';
import { FLUSH } from '../../src/trace/schema.ts';
import { beginTrace, TraceWriter } from '../../src/trace/writer.ts';
import { Bundle } from './bundle.ts';
import { Scratch } from './fake-host.ts';

const scratch = new Scratch();
const bundle = new Bundle(scratch.folder);
const program = () => join(dirname(bundle.command), 'trace-worker.cjs');

/** More batches than there is room for, so that the guest's thread has to wait. */
const EVENTS = 20 * FLUSH.events + 100;
const events = [...syntheticEvents(EVENTS)];
const { cycle, icount } = events.at(-1) ?? { cycle: 0, icount: 0 };
const END = { cycle, icount, reason: 'poweroff', status: 0, message: 'the guest powered off' } as const;

beforeAll(() => bundle.build());
afterAll(() => {
  bundle.remove();
  scratch.remove();
});

/** Lets a thread write to a file that is open. */
function writeBeside(path: string, fd: number, threadProgram = program(), lookMs?: number): TraceThread {
  const parts: Uint8Array[] = [];
  const chunks = beginTrace((bytes) => parts.push(bytes), SYNTHETIC_HEADER);
  writeFileSync(path, Buffer.concat(parts));
  const room = sharedRoom();
  const begun = { target: { fd, path }, written: chunks.written, totals: undefined };
  const thread = new TraceThread(threadProgram, begun, room, lookMs);
  let isFirst = true;
  const taker = {
    room: () => {
      if (!isFirst) return thread.room();
      isFirst = false;
      return room;
    },
    take: thread.take.bind(thread),
    end: thread.end.bind(thread),
  };
  const gatherer = new RecordGatherer(taker);
  try {
    for (const event of events) gatherer.event(event);
    gatherer.end(END);
  } finally {
    thread.settle();
  }
  return thread;
}

/** A program in the place of the thread's. */
function brokenProgram(text: string): string {
  const path = scratch.path(`broken-${text.length}.cjs`);
  writeFileSync(path, text);
  return path;
}

describe('the thread that makes a trace', () => {
  it('makes the same as the writer, while the guest waits for room', () => {
    const parts: Uint8Array[] = [];
    const writer = new TraceWriter((bytes) => parts.push(bytes), SYNTHETIC_HEADER);
    for (const event of events) writer.event(event);
    writer.end(END);
    const path = scratch.path('beside.pvt');
    writeFileSync(path, '');
    const fd = openSync(path, 'a');
    const thread = writeBeside(path, fd);
    closeSync(fd);
    const expected = Buffer.concat(parts);
    expect(readFileSync(path).equals(expected)).toBe(true);
    expect(thread.batchCount).toBe(21);
    expect(thread.bytesAppended).toBeGreaterThan(0.5 * expected.length);
    expect(thread.bytesAppended).toBeLessThan(expected.length);
  });

  it('says what the system refuses as if it had been refused here', () => {
    const path = scratch.path('read-only.pvt');
    writeFileSync(path, '');
    const fd = openSync(path, 'r');
    expect(() => writeBeside(path, fd)).toThrow(
      expect.objectContaining({
        code: 'file.unreadable',
        message: 'it cannot be written: EBADF',
        place: { file: path },
      }),
    );
    closeSync(fd);
  });

  it.each([
    ['throws', 'throw new Error("broken")'],
    ['ends', 'process.exit(3)'],
    ['says nothing', 'setInterval(() => {}, 1000)'],
  ])('is given up if its program %s', (_, text) => {
    const path = scratch.path('given-up.pvt');
    writeFileSync(path, '');
    const fd = openSync(path, 'a');
    // Without a turn of the event loop, nobody hears that a thread has ended.
    expect(() => writeBeside(path, fd, brokenProgram(text), 1)).toThrow(
      expect.objectContaining({ code: 'file.unreadable', message: expect.stringContaining('it does not answer') }),
    );
    closeSync(fd);
  });

  it('is heard of when it ends', async () => {
    const path = scratch.path('ended.pvt');
    const begun = { target: { fd: 1, path }, written: { index: [], chain: 0, bytesWritten: 0 }, totals: undefined };
    const room = sharedRoom();
    const thread = new TraceThread(brokenProgram('throw new Error("broken")'), begun, room);
    const batch = { events: { room, count: 0, patternCount: 0, texts: [] }, inputs: [], digests: [] };
    await expect
      .poll(() => {
        try {
          thread.take(batch);
          return 'taken';
        } catch (error) {
          return (error as Error).message;
        }
      })
      .toBe('it cannot be written: the thread that makes the trace: broken');
  });

  const guest = ['mini-os', '--workload', 'ctxsw', '--mode', 'full', '--iterations', '600'];

  it('changes nothing of a recording, nor of one of its replay', () => {
    const beside = bundle.run(['record', ...guest, '--profile', '-o', 'beside.pvt']);
    const trace = readFileSync(scratch.path('beside.pvt'));
    expect(openTrace(trace).totals.events).toBeGreaterThan(2 * FLUSH.events);
    expect(bundle.run(['replay', 'beside.pvt', '-o', 'again.pvt']).status).toBe(0);
    renameSync(program(), scratch.path('elsewhere.cjs'));
    const alone = bundle.run(['record', ...guest, '--profile', '-o', 'alone.pvt']);
    renameSync(scratch.path('elsewhere.cjs'), program());
    for (const name of ['again.pvt', 'alone.pvt']) expect(readFileSync(scratch.path(name)).equals(trace)).toBe(true);
    expect(alone.stdout).toBe(beside.stdout);
    // On a host with one processor there is no thread.
    const isBeside = availableParallelism() > 1;
    expect(beside.stderr.includes('recorded beside the guest')).toBe(isBeside);
    expect(alone.stderr).not.toContain('recorded beside the guest');
  });

  it.skipIf(availableParallelism() < 2)('fails a recording where it fails, and what is in the file can be read', () => {
    const text = readFileSync(program());
    const full = { code: 'file.unreadable', message: 'it cannot be written: no space is left on the device' };
    writeFileSync(
      program(),
      `const { parentPort, workerData: { answers, control } } = require('node:worker_threads');
      parentPort.on('message', () => {
        answers.postMessage({ failure: ${JSON.stringify(full)} });
        Atomics.store(control, 0, -1);
        Atomics.notify(control, 0);
      });`,
    );
    const { status, stderr } = bundle.run(['record', ...guest, '-o', 'failed.pvt']);
    writeFileSync(program(), text);
    expect(stderr).toContain(`${full.code}: ${full.message}`);
    expect(stderr).toMatch(/failed\.pvt\.partial can be read up to offset \d+: 8192 events/);
    expect(status).toBe(2);
  });
});
