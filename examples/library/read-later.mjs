/** Reads a trace without loading it: chunk by chunk, from where bytes come later. A server that gives ranges works in the same way. */
import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { openTraceAsync } from 'paratrace';

const file = await open(new URL('../../traces/mini-os-mix-full.pvt', import.meta.url));
let bytesRead = 0;
const source = {
  sizeBytes: (await file.stat()).size,
  async read(offset, lengthBytes) {
    bytesRead += lengthBytes;
    const { buffer } = await file.read(new Uint8Array(lengthBytes), 0, lengthBytes, offset);
    return buffer;
  },
};

// Opening reads the index and the header only.
const trace = await openTraceAsync(source);
console.log(`${trace.header.config.guest.name}, ${trace.totals.events} events, ended by ${trace.end?.reason}`);
assert.ok(bytesRead < source.sizeBytes);

const exits = new Map();
for await (const event of trace.events({ kinds: ['exit'] })) {
  exits.set(event.reason, (exits.get(event.reason) ?? 0) + 1);
}
const [most] = [...exits].sort((a, b) => b[1] - a[1]);
console.log(`most often: ${most[0]}, ${most[1]} times`);

const middle = await trace.eventAt('cycle', (trace.end?.cycle ?? 0) / 2);
for await (const event of trace.events({ fromEvent: middle, toEvent: middle + 1 })) {
  console.log(`half way: event ${middle}, ${event.kind} at cycle ${event.cycle}`);
}
await file.close();
