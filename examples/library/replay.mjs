/** Replays a trace, and checks that every event and digest is the same. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createMachine, openTrace, Replay, ReplayDivergence, resolveImages } from 'paratrace';

const trace = openTrace(readFileSync(new URL('../../traces/machine-tour.pvt', import.meta.url)));
// This trace names its image by digest: whoever replays it has it.
const find = () => readFileSync(new URL('../../guests/bin/machine-tour.elf', import.meta.url));
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const images = resolveImages(trace.header.config, (digest) => trace.image(digest), find, sha256);

const replay = new Replay(trace, images, { console: { write: () => {} } }, (machine) =>
  createMachine(machine, 'translator'),
);
try {
  while (replay.run(10_000_000) === undefined);
  console.log(`identical: ${replay.verified.events} events, ${replay.verified.digests} digests`);
} catch (error) {
  // Both sides of the first difference are in the report.
  if (error instanceof ReplayDivergence) console.log(error.report.differences);
  throw error;
}
assert.equal(replay.verified.ended, true);
