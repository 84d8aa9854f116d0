/**
 * The warm-up curve of one engine: runs a guest in slices and prints, as JSON, how many instructions had retired at each of the given
 * times since the process began.
 *
 *   node bench/warm-up.mjs ENGINE IMAGE MS...
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createMachine, NoInput, RUN_DEFAULTS, Session } from '../dist/index.js';

const SLICE_CYCLES = 2_000_000;
const built = (path) => new URL(`../${path}`, import.meta.url);

// The command line's way to translate on a thread, which bench/run.mjs has built.
const { readBranchHints, WorkerCompiler } = await import(built('build/bench/translate.mjs').href);
readBranchHints(process.versions.v8);

const [engine, path, ...times] = process.argv.slice(2);
const bytes = readFileSync(path);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const guest = { name: 'guest.elf', sizeBytes: bytes.length, sha256 };
const config = { ...RUN_DEFAULTS, mode: 'native', entry: 'm', guest, initrd: undefined, drives: [] };
const images = { guest: bytes, initrd: undefined, drives: [] };
const observer = { event() {}, input() {}, digest() {}, end() {} };
const ports = { input: new NoInput(), observer, console: { write() {} } };
const regionCompiler = new WorkerCompiler(fileURLToPath(built('dist/cli/region-worker.cjs')), fail);
const options = { background: true, regionCompiler };
const session = new Session(config, images, ports, (machine) => createMachine(machine, engine, options));

const retired = [];
for (const time of times.map(Number)) {
  while (performance.now() < time && session.end === undefined) {
    session.run(SLICE_CYCLES);
    await new Promise((resolve) => setImmediate(resolve)); // Modules that were compiled meanwhile arrive, as on the command line.
  }
  if (session.end !== undefined) break;
  retired.push(session.position.icount);
}
process.stdout.write(`${JSON.stringify(retired)}\n`);
process.exit(0); // Compilers may still be at work.

function fail(reason) {
  throw new Error(`translating beside the guest failed: ${reason}`);
}
