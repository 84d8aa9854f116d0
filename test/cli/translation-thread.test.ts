/** The thread that translates, as the build makes it: it does the work, and a command does without it where it fails. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkerCompiler } from '../../src/cli/host/worker-compiler.ts';
import { generateBatch, type RegionJob } from '../../src/machine/engine/regions/region-batch.ts';
import { emitRegion } from '../../src/machine/engine/regions/region-emitter.ts';
import { encode } from '../../src/machine/isa/encode.ts';
import { EAGER_CONFIG } from '../support/program-runner.ts';
import { Bundle } from './bundle.ts';
import { Scratch } from './fake-host.ts';

const scratch = new Scratch();
const bundle = new Bundle(scratch.folder);

beforeAll(() => bundle.build());
afterAll(() => {
  bundle.remove();
  scratch.remove();
});

/** Two loops; the second begins where a region cannot. */
function aJob(): RegionJob {
  const pages = new Uint8Array(2 * 4096);
  const view = new DataView(pages.buffer);
  view.setUint32(0, encode('addi', { rd: 10, rs1: 10, imm: -1 }), true);
  view.setUint32(4, encode('bne', { rs1: 10, imm: -4 }), true);
  view.setUint32(4096, encode('ecall'), true);
  const heads = [
    { page: 0, offset: 0, variant: 0 },
    { page: 0, offset: 4, variant: 0 },
    { page: 1, offset: 0, variant: 0 },
  ] as const;
  return { config: EAGER_CONFIG, pages, heads };
}

const program = () => join(dirname(bundle.command), 'region-worker.cjs');

/** A program in the place of the thread's. */
function brokenProgram(text: string): string {
  const path = scratch.path(`broken-${text.length}.cjs`);
  writeFileSync(path, text);
  return path;
}

describe('the thread that translates', () => {
  it('gives what the generator gives, as a module', async () => {
    const failures: string[] = [];
    const compiler = new WorkerCompiler(program(), (reason) => failures.push(reason));
    const answers = await Promise.all([compiler.compile(aJob()), compiler.compile({ ...aJob(), heads: [] })]);
    const { bytes, ...result } = generateBatch(aJob(), emitRegion);
    const [{ code, ...full }, empty] = answers;
    expect(full).toEqual({ ...result, sizeBytes: bytes.length });
    expect(code && WebAssembly.Module.exports(code).map(({ name }) => name)).toEqual(['r0']);
    expect(empty).toEqual({ code: undefined, sizeBytes: 0, regions: [], covered: [], insns: 0 });
    expect(failures).toEqual([]);
  });

  it.each([
    ['throws', 'throw new Error("broken")', 'broken'],
    ['ends', 'process.exit(3)', 'the thread ended with code 3'],
    ['is no program', '{', "Unexpected token '}'"],
    ['is not there', undefined, 'Cannot find module'],
  ])('leaves nobody waiting if its program %s, and says so once', async (_, text, reason) => {
    const failures: string[] = [];
    const path = text === undefined ? scratch.path('nowhere.cjs') : brokenProgram(text);
    const compiler = new WorkerCompiler(path, (failure) => failures.push(failure));
    const asked = await Promise.allSettled([compiler.compile(aJob()), compiler.compile(aJob())]);
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(compiler.compile(aJob())).rejects.toThrow();
    expect(failures).toHaveLength(1);
    if (!text?.startsWith('{')) expect(failures[0]).toContain(reason);
  });

  it('fails without an effect on a run, which says so if it is verbose', () => {
    // Long enough for a thread to start and fail on any machine.
    const guest = ['mini-os', '--workload', 'compute', '--iterations', '8000'];
    const args = ['record', ...guest, '--engine', 'translator', '--verbose'];
    const good = bundle.run([...args, '-o', 'good.pvt']);
    expect(good).toMatchObject({ status: 0, stderr: expect.not.stringContaining('translating beside') });
    writeFileSync(program(), 'throw new Error("broken")');
    const bad = bundle.run([...args, '-o', 'bad.pvt']);
    expect(bad.status).toBe(0);
    expect(bad.stdout).toBe(good.stdout);
    expect(bad.stderr).toContain('paratrace: translating beside the guest failed: broken');
    const [first, second] = ['good.pvt', 'bad.pvt'].map((name) => readFileSync(scratch.path(name)));
    expect(second).toEqual(first);
  });
});
