/** What the matchers say, apart from files and vitest's rules: those are tested on the example project (`test/guests`). */
import { describe, expect, it } from 'vitest';
import { recordTrace } from '../../../src/cli/vitest/record-trace.ts';
import { toReplayIdentically } from '../../../src/cli/vitest/replay-matcher.ts';
import type { VmEvent } from '../../../src/hypervisor/events.ts';
import { openTrace } from '../../../src/trace/reader.ts';
import { TraceWriter } from '../../../src/trace/writer.ts';

const isNot = { isNot: false };

/** The trace with other events, and without images. */
function altered(bytes: Uint8Array, change: (event: VmEvent, number: number) => VmEvent): Uint8Array {
  const trace = openTrace(bytes);
  const parts: Uint8Array[] = [];
  const writer = new TraceWriter((part) => parts.push(part), trace.header);
  let number = 0;
  for (const input of trace.inputs()) writer.input(input);
  for (const event of trace.events()) writer.event(change(event, number++));
  if (trace.end !== undefined) writer.end(trace.end);
  return new Uint8Array(Buffer.concat(parts));
}

describe('toReplayIdentically', () => {
  const trace = recordTrace(['machine-tour'], { images: 'named' });

  it('passes for a recording, with the images that come with the package', () => {
    const result = toReplayIdentically(isNot, trace);
    expect(result.pass).toBe(true);
    expect(result.message()).toContain('events are the same');
    expect(toReplayIdentically(isNot, recordTrace(['tohost-fail'])).pass).toBe(true);
  });

  it('fails with both sides of the first difference', () => {
    const wrong = altered(trace, (event, number) => (number === 5 ? { ...event, pc: event.pc + 4n } : event));
    const { pass, message } = toReplayIdentically(isNot, wrong);
    expect(pass).toBe(false);
    expect(message()).toMatch(/^the replay differs: .*pc 0x[0-9a-f]+ -> 0x[0-9a-f]+/);
    expect(message()).toContain('last events, recorded:');
  });

  it('fails for what is no trace, and throws for what is neither bytes nor a path', () => {
    const { pass, message } = toReplayIdentically(isNot, new Uint8Array(40));
    expect([pass, message()]).toEqual([false, expect.stringContaining('trace.not-a-trace')]);
    expect(() => toReplayIdentically({ isNot: true }, new Uint8Array(40))).toThrow('does not begin as a trace');
    expect(() => toReplayIdentically(isNot, 42)).toThrow(TypeError);
  });
});

describe('recordTrace', () => {
  it('takes the arguments of record', () => {
    const { config } = openTrace(recordTrace(['tohost-pass', '--harts', '2', '--append', 'x y'])).header;
    expect([config.hartCount, config.append, config.entry]).toEqual([2, 'x y', 'm']);
    expect(() => recordTrace(['tohost-pass', '--colour'])).toThrow("unknown option '--colour'");
    expect(() => recordTrace(['nobody'])).toThrow("'nobody' is neither a bundled guest");
  });
});
