/**
 * How fast traces are written and read, in processor time of the process, and how large they are, on a made-up run.
 * Run: `npx esbuild bench/trace.ts --bundle --platform=node --format=esm --outfile=dist/bench/trace.js && node dist/bench/trace.js`
 */
import { openTrace } from '../src/trace/reader.ts';
import { FLUSH } from '../src/trace/schema.ts';
import { TraceWriter } from '../src/trace/writer.ts';
import { syntheticEvents } from './synthetic-events.ts';
import { SYNTHETIC_HEADER } from './synthetic-header.ts';

const EVENTS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 5;

const events = [...syntheticEvents(EVENTS)];
console.log(`${EVENTS} events, ${FLUSH.events} a chunk, Node ${process.version}`);
let trace = new Uint8Array();
for (let round = 0; round < ROUNDS; round += 1) {
  trace = report('write', () => writeAll());
  report('open', () => openTrace(trace));
  report('read', () => readAll());
  report('read mmio', () => readAll('mmio'));
}
console.log(`${trace.length} bytes, ${(trace.length / EVENTS).toFixed(3)} bytes per event`);

function writeAll(): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const writer = new TraceWriter((bytes) => parts.push(bytes), SYNTHETIC_HEADER);
  for (const event of events) writer.event(event);
  const last = events.at(-1);
  const { cycle, icount } = last ?? { cycle: 0, icount: 0 };
  writer.end({ cycle, icount, reason: 'poweroff', status: 0, message: 'the guest powered off' });
  return new Uint8Array(Buffer.concat(parts));
}

function readAll(kind?: 'mmio'): number {
  let sum = 0;
  for (const event of openTrace(trace).events(kind === undefined ? {} : { kinds: [kind] })) sum += event.cycle;
  return sum;
}

function report<T>(what: string, work: () => T): T {
  const start = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(start);
  const seconds = (user + system) / 1e6;
  console.log(`${what}: ${(EVENTS / seconds / 1e6).toFixed(2)} M events/s`);
  return result;
}
