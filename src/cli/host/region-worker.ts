/** The thread that translates: jobs come in, compiled modules go out, in the same order. A program of its own in the build. */
import { parentPort } from 'node:worker_threads';
import { must } from '../../assert.ts';
import { generateBatch } from '../../machine/engine/regions/region-batch.ts';
import { emitRegion } from '../../machine/engine/regions/region-emitter.ts';
import type { CompiledBatch, RegionJob } from '../../machine/region-compiler.ts';
import { compileWhole, readBranchHints } from './compiler-flags.ts';

readBranchHints(process.versions.v8);
const port = must(parentPort, 'the thread that has started this one');

port.on('message', (job: RegionJob) => {
  const { bytes, ...result } = generateBatch(job, emitRegion);
  const code = bytes.length === 0 ? undefined : compileWhole(bytes);
  const batch: CompiledBatch = { ...result, code, sizeBytes: bytes.length };
  port.postMessage(batch);
});
