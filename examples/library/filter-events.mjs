/** Reads some of the events of a trace: by kind, by hart, by cycle, instruction count or number. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describeEvent, openTrace, SBI_NAMES } from 'paratrace';

const file = new URL('../../traces/ring-tour-pvh-4-harts.pvt', import.meta.url);
const trace = openTrace(readFileSync(file));

// Only the chunks that a range touches are decoded.
const calls = [...trace.events({ kinds: ['hypercall'], toCycle: 500_000 })];
for (const event of calls.slice(0, 2)) console.log(describeEvent(event, SBI_NAMES));
assert.ok(calls.every((event) => event.kind === 'hypercall' && event.cycle < 500_000));

const ofHart2 = [...trace.events({ harts: [2] })];
assert.ok(ofHart2.length > 0 && ofHart2.every(({ hart }) => hart === 2));

// Types follow the kind: a `take` has a queue and a chain.
for (const event of trace.events({ kinds: ['take'], fromIcount: 200_000, toIcount: 260_000 })) {
  if (event.kind === 'take') assert.ok(event.inFlight > 0 && event.icount >= 200_000);
}

// Places: which event comes first at or after a clock.
const number = trace.eventAt('icount', 300_000);
const [first] = trace.events({ fromEvent: number, toEvent: number + 1 });
assert.ok(first !== undefined && first.icount >= 300_000);
console.log(`event ${number} is the first after 300,000 instructions: ${first.kind} at cycle ${first.cycle}`);
