/** Writes a trace of events that something else made, and reads it back: a trace need not come from a run of Paratrace. */
import assert from 'node:assert/strict';
import { openTrace, RUN_DEFAULTS, TraceWriter } from 'paratrace';

const guest = { name: 'elsewhere.elf', sizeBytes: 0, sha256: '0'.repeat(64) };
const header = {
  config: { ...RUN_DEFAULTS, guest, initrd: undefined, drives: [] },
  costProfile: { name: 'measured elsewhere' },
  coreProfile: {},
};

const parts = [];
const writer = new TraceWriter((bytes) => parts.push(bytes), header);
for (let number = 0; number < 20_000; number += 1) {
  // Stamps never decrease; 64-bit fields are bigint, and keep every bit.
  const stamp = { cycle: number * 1000, icount: number * 900, hart: 0, pc: 0x8020_0000n + BigInt(number % 7) * 4n };
  const cost = { entryCycles: 200, handlingCycles: 400, returnCycles: 30 };
  writer.event({ kind: 'exit', ...stamp, ...cost, reason: number % 3 === 0 ? 'wfi' : 'external' });
}
writer.end({ cycle: 20_000_000, icount: 18_000_000, reason: 'poweroff', status: 0, message: 'off' });

const bytes = new Uint8Array(Buffer.concat(parts));
const trace = openTrace(bytes);
assert.equal(trace.totals.events, 20_000);
const [event] = trace.events({ fromEvent: 19_999 });
assert.deepEqual([event?.cycle, event?.pc], [19_999_000, 0x8020_0000n + (19_999n % 7n) * 4n]);
console.log(`${trace.totals.events} events in ${bytes.length} bytes`);
