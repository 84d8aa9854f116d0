/**
 * How much memory a long trace takes to write and to read: a made-up run goes to a file and is read back from it, event by event.
 * Run: `npx esbuild bench/trace-memory.ts --bundle --platform=node --format=esm --outfile=dist/bench/trace-memory.js` and
 * `node dist/bench/trace-memory.js FILE [MILLIONS]`
 */
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { traceSource } from '../src/cli/host/trace-source.ts';
import { openTrace } from '../src/trace/reader.ts';
import { TraceWriter } from '../src/trace/writer.ts';
import { syntheticEvents } from './synthetic-events.ts';
import { SYNTHETIC_HEADER } from './synthetic-header.ts';

const [, , path = 'long.pvt', millions = '20'] = process.argv;
const EVENTS = Number(millions) * 1e6;

const fd = openSync(path, 'w');
const writer = new TraceWriter((bytes) => writeSync(fd, bytes), SYNTHETIC_HEADER);
let end = { cycle: 0, icount: 0 };
for (const event of syntheticEvents(EVENTS)) {
  writer.event(event);
  end = event;
}
const { cycle, icount } = end;
writer.end({ cycle, icount, reason: 'poweroff', status: 0, message: 'the guest powered off' });
closeSync(fd);
report('written');

// Nothing of the file is kept, however small it is.
const trace = openTrace(traceSource(path, 0));
let count = 0;
for (const event of trace.events()) if (event.cycle >= 0) count += 1;
report(`read, ${count} events`);

function report(what: string): void {
  const peakMib = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${what}: ${statSync(path).size} bytes, at most ${peakMib.toFixed(0)} MiB of memory, Node ${process.version}`,
  );
}
