/**
 * The warm-up curve of one engine: runs a guest in slices and prints, as JSON, how many instructions had retired at each of the given
 * times since the process began.
 *
 *   node bench/warm-up.mjs ENGINE IMAGE MS...
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { createMachine, NoInput, RUN_DEFAULTS, Session } from '../dist/index.js';

const SLICE_CYCLES = 2_000_000;
/** The command line's thread that translates. */
const PROGRAM = new URL('../dist/cli/region-worker.cjs', import.meta.url);

// As the command line does.
setFlagsFromString('--experimental-wasm-branch-hinting');

let worker;
const waiting = [];

const [engine, path, ...times] = process.argv.slice(2);
const bytes = readFileSync(path);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const guest = { name: 'guest.elf', sizeBytes: bytes.length, sha256 };
const config = { ...RUN_DEFAULTS, mode: 'native', entry: 'm', guest, initrd: undefined, drives: [] };
const images = { guest: bytes, initrd: undefined, drives: [] };
const observer = { event() {}, input() {}, digest() {}, end() {} };
const ports = { input: new NoInput(), observer, console: { write() {} } };
const options = { background: true, regionCompiler: { compile } };
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

/** Has a job done as the command line does; it answers in the order in which it is asked. A failure ends this program. */
function compile(job) {
  if (worker === undefined) {
    setFlagsFromString('--no-wasm-lazy-compilation');
    setFlagsFromString('--no-wasm-dynamic-tiering');
    worker = new Worker(PROGRAM);
    worker.on('message', (batch) => waiting.shift()(batch));
  }
  worker.postMessage(job);
  return new Promise((resolve) => waiting.push(resolve));
}
