/** Records a guest in memory, reads the trace, and says where its cycles went. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  CORE_PROFILES,
  computeStatistics,
  costProfile,
  createMachine,
  createRecorder,
  NoInput,
  openTrace,
  RUN_DEFAULTS,
  recordedProfiles,
  SBI_NAMES,
  Session,
} from 'paratrace';

const guest = readFileSync(new URL('../../guests/bin/ring-tour.elf', import.meta.url));
const sha256 = createHash('sha256').update(guest).digest('hex');

// What decides the run, as plain data: it becomes the header of the trace.
const config = {
  ...RUN_DEFAULTS,
  mode: 'hvm',
  append: 'no-rings',
  guest: { name: 'ring-tour', sizeBytes: guest.length, sha256 },
  initrd: undefined,
  drives: [],
};
const images = { guest, initrd: undefined, drives: [] };
const costs = costProfile(config.costs);

// The recorder gives the bytes of the trace as they come.
const parts = [];
const recorder = createRecorder({ config, images, ...recordedProfiles(config, costs) }, (bytes) => parts.push(bytes));
let printed = '';
const console_ = { write: (_stream, bytes) => (printed += new TextDecoder().decode(bytes)) };
const session = new Session(
  config,
  images,
  { input: new NoInput(), observer: recorder, console: console_ },
  (machine) => createMachine(machine, 'interpreter'),
  costs,
);
while (session.run(10_000_000) === 'sliced');
assert.equal(session.end?.status, 0);
assert.match(printed, /all checks passed/);

// Opening checks every byte of it.
const trace = openTrace(new Uint8Array(Buffer.concat(parts)));
const { cycles, hypervisorCycles, reasons } = computeStatistics(trace.events(), config.hartCount, SBI_NAMES, trace.end);
console.log(`${trace.totals.events} events in ${cycles} cycles, ${hypervisorCycles} of them in the hypervisor`);
for (const { reason, count, totalCycles } of reasons.slice(0, 3))
  console.log(`${reason}: ${count} times, ${totalCycles}`);
assert.ok(CORE_PROFILES[trace.header.config.core]);
