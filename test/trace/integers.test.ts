/** Integers at the sizes where libraries change their form, in every place of a trace that can hold them, through both readers. */
import { describe, expect, test } from 'vitest';
import type { FieldType, VmEvent } from '../../src/hypervisor/events.ts';
import type { RunCounters } from '../../src/session/ports.ts';
import { memorySource } from '../../src/trace/byte-source.ts';
import { checkTrace } from '../../src/trace/check-trace.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { CONFIG_FIELDS, COUNTER_NAMES, EVENT_SPECS } from '../../src/trace/schema.ts';
import { trimTrace } from '../../src/trace/trim.ts';
import { TraceWriter } from '../../src/trace/writer.ts';
import { CONFIG, HEADER, join } from './arbitraries.ts';
import { readTrace } from './other-reader.ts';

const POWERS = [31n, 32n, 53n, 63n, 64n].map((bits) => 2n ** bits);
/** On both sides of each. */
const EDGES = [0n, ...POWERS.flatMap((power) => [power - 1n, power, power + 1n])];
const U53_MAX = BigInt(Number.MAX_SAFE_INTEGER);

const MAX: Readonly<Record<Exclude<FieldType, 'name'>, bigint>> = {
  bool: 1n,
  u8: 0xffn,
  u16: 0xffffn,
  u32: 0xffff_ffffn,
  u53: U53_MAX,
  u64: 2n ** 64n - 1n,
  i64: 2n ** 63n - 1n,
};

/** The values of a type nearest to an edge, from inside. */
function valueAt(type: FieldType, edge: bigint): unknown {
  if (type === 'name') return `name ${edge}`;
  const max = MAX[type];
  const value = edge > max ? max : edge;
  if (type === 'bool') return value === 1n;
  if (type === 'i64') return edge > max ? -(2n ** 63n) : value;
  return type === 'u64' ? value : Number(value);
}

/** As the other reader gives a value. */
function plain(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'boolean' ? BigInt(value) : value;
}

const count = (edge: bigint) => Number(edge > U53_MAX ? U53_MAX : edge);

describe.each(EDGES)('around %s', (edge) => {
  const stamp = { cycle: count(edge), icount: count(edge) };
  const events = EVENT_SPECS.map(
    ({ kind, columns }): VmEvent =>
      ({
        kind,
        ...stamp,
        hart: Number(edge > 255n ? 255n : edge),
        pc: edge > MAX.u64 ? MAX.u64 : edge,
        ...Object.fromEntries(columns.map(({ name, type }) => [name, valueAt(type, edge)])),
      }) as unknown as VmEvent,
  );
  const word = edge > MAX.u64 ? MAX.u64 : edge;
  const digest = { ...stamp, memory: word, harts: word, devices: word };
  const counters = Object.fromEntries(COUNTER_NAMES.map((name) => [name, count(edge)])) as unknown as RunCounters;
  const end = { ...stamp, reason: 'tohost', status: count(edge), message: '' } as const;
  const sizes = Object.entries(CONFIG_FIELDS).filter(([, type]) => type === 'u53');
  const config = {
    ...CONFIG,
    ...Object.fromEntries(sizes.map(([name]) => [name, count(edge)])),
    net: { latencyCycles: count(edge) },
    guest: { ...CONFIG.guest, sizeBytes: count(edge) },
  };
  const parts: Uint8Array[] = [];
  const writer = new TraceWriter((part) => parts.push(part), { ...HEADER, config, coreProfile: { edge: count(edge) } });
  for (const event of events) writer.event(event);
  writer.input({ ...stamp, port: 'uart0', via: 'pull', bytes: Uint8Array.of(1) });
  writer.digest(digest, counters);
  writer.end(end);
  const bytes = join(parts);

  test('every integer comes back', () => {
    const trace = openTrace(bytes);
    expect([...trace.events()]).toEqual(events);
    expect([...trace.inputs()]).toMatchObject([stamp]);
    expect([...trace.digests()]).toMatchObject([digest]);
    expect([...trace.counters()]).toMatchObject([counters]);
    expect(trace.end).toEqual(end);
    expect(trace.header.config).toEqual(config);
    expect(trace.header.coreProfile).toEqual({ edge: count(edge) });
    expect(trace.chunks.find(({ kind }) => kind === 'events')?.lastCycle).toBe(stamp.cycle);
    expect(checkTrace(memorySource(bytes), () => '').problem).toBeUndefined();
  });

  test('another reader reads the same', () => {
    const trace = readTrace(bytes);
    const wanted = events.map((event) =>
      Object.fromEntries(Object.entries(event).map(([name, value]) => [name, plain(value)])),
    );
    expect(trace.events).toEqual(wanted);
    expect(trace.digests[0]).toMatchObject({ memory: word, harts: word, devices: word, cycle: BigInt(stamp.cycle) });
    expect(plain(trace.end.status)).toBe(BigInt(count(edge)));
  });

  test('every integer is in an excerpt', () => {
    const cut: Uint8Array[] = [];
    trimTrace(openTrace(bytes), { fromEvent: 1, toEvent: events.length - 1 }, (part) => cut.push(part));
    const trace = openTrace(join(cut));
    expect([...trace.events()]).toEqual(events.slice(1, -1));
    expect([...trace.counters()]).toMatchObject([counters]);
  });
});
