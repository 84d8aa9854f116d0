/**
 * Foreign bytes in place of a trace, many: random bytes, traces that were cut or altered, and traces whose checksums are right and whose
 * contents are not. Reading gives a typed error or a part that is right, allocates no more than is stated, and ends.
 */
import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { syntheticEvents } from '../../bench/synthetic-events.ts';
import { crc32 } from '../../src/crc32.ts';
import { ParatraceError } from '../../src/errors.ts';
import { EventRow } from '../../src/hypervisor/event-row.ts';
import { memorySource } from '../../src/trace/byte-source.ts';
import { checkTrace } from '../../src/trace/check-trace.ts';
import { encodeChunk, encodePreamble, encodeTail, readPayload, scanFrames } from '../../src/trace/frame.ts';
import { embedImages } from '../../src/trace/images.ts';
import { type Packable, pack } from '../../src/trace/messagepack.ts';
import { openTrace, type TraceReader } from '../../src/trace/reader.ts';
import { repairTrace } from '../../src/trace/rewrite.ts';
import {
  CHUNK_KINDS,
  CODING,
  COLUMN_CODING,
  EVENT_SPECS,
  FORMAT_VERSION,
  FRAME_BYTES,
  LIMITS,
} from '../../src/trace/schema.ts';
import { trimTrace } from '../../src/trace/trim.ts';
import { type Call, CONFIG, HEADER, join, record } from '../trace/arbitraries.ts';
import { forge, piecesOf } from '../trace/forge.ts';

const CASES = 200_000;
const SEED = Number(process.env.PARATRACE_SEED ?? 20_261_122);
/** docs/trace-format.md, "Limits". */
const ALLOCATED_BYTES_MAX = 32 * 2 ** 20;
const CODES = ['trace.truncated', 'trace.corrupt', 'trace.not-a-trace', 'trace.version'];
const CHECK_EVERY = 16;
/** Modelled events are decoded bit by bit: fewer cases take as long. */
const MODELLED_CASES = 10_000;

/** xorshift32. */
function noise(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const random = noise(SEED);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

// What one case allocates in typed arrays: counted where they are made.
let allocated = 0;
const restore: (() => void)[] = [];
beforeAll(() => {
  const globals = globalThis as unknown as Record<
    string,
    { new (...args: unknown[]): unknown; BYTES_PER_ELEMENT: number }
  >;
  for (const name of ['Uint8Array', 'Uint16Array', 'Uint32Array', 'Float64Array', 'BigUint64Array']) {
    const plain = globals[name];
    if (plain === undefined) throw new Error(`there is no ${name}`);
    globals[name] = new Proxy(plain, {
      construct: (target, args, newTarget) => {
        if (typeof args[0] === 'number') allocated += args[0] * plain.BYTES_PER_ELEMENT;
        return Reflect.construct(target, args, newTarget) as object;
      },
    });
    restore.push(() => {
      globals[name] = plain;
    });
  }
});
afterAll(() => {
  for (const undo of restore) undo();
});

/** A small trace with every sort of chunk. */
function baseTrace(events: number, seed: number): Uint8Array {
  const calls: Call[] = [];
  const counted = { cycle: 0, icount: 0 };
  for (const value of syntheticEvents(events, seed)) {
    calls.push({ what: 'event', value });
    Object.assign(counted, { cycle: value.cycle, icount: value.icount });
    if (calls.length % 20 === 7) {
      const bytes = Uint8Array.of(104, 105, calls.length);
      calls.push({ what: 'input', value: { ...counted, port: 'uart0', via: 'push', bytes } });
      calls.push({ what: 'digest', value: { ...counted, memory: 1n << 63n, harts: 2n ** 64n - 1n, devices: 3n } });
    }
  }
  const image = new TextEncoder().encode('a guest');
  const guest = { name: 'guest', sizeBytes: image.length, sha256: sha256(image) };
  const config = { ...CONFIG, guest, drives: [] };
  const images = embedImages(config, { guest: image, initrd: undefined, drives: [] });
  const end = { ...counted, reason: 'poweroff', status: 0, message: 'the guest powered off' } as const;
  return record({ calls, end }, { ...HEADER, config }, images);
}

/** As they are written, with modelled events; and with events as columns, as those of long runs are. */
const MODELLED = [baseTrace(40, 1), baseTrace(90, 5), excerptOf(baseTrace(60, 9))];
const BASES = MODELLED.map((bytes) => {
  const { totals } = openTrace(bytes);
  return forge(piecesOf(bytes), { minor: FORMAT_VERSION.minor, totals });
});
const CHUNKS = BASES.map(payloadsOf);

function excerptOf(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  trimTrace(openTrace(bytes), { fromEvent: 10, toEvent: 40 }, (part) => parts.push(part));
  return join(parts);
}

function payloadsOf(bytes: Uint8Array): { kind: number; raw: Uint8Array }[] {
  const source = memorySource(bytes);
  const { frames } = scanFrames(source, (kind) => kind === CHUNK_KINDS.index.code);
  return frames.map((frame) => ({ kind: frame.kind, raw: readPayload(source, frame).slice() }));
}

const EDGE_BYTES = [0, 1, 0x7f, 0x80, 0xff, 0xc0, 0xcf, 0xdf, 0xdd, 0xc6, 0xdb];

/** One to four changes: bytes set, flipped, left out, doubled, put in, or the rest cut off. */
function altered(bytes: Uint8Array): Uint8Array {
  let result: Uint8Array = bytes.slice();
  for (let left = 1 + random(4); left > 0 && result.length > 0; left -= 1) {
    const at = random(result.length);
    const length = 1 + random(Math.min(8, result.length - at));
    const sort = random(12);
    if (sort < 4) result[at] = random(256);
    else if (sort < 6) result[at] = EDGE_BYTES[random(EDGE_BYTES.length)] ?? 0;
    else if (sort < 8) result[at] = (result[at] ?? 0) ^ (1 << random(8));
    else if (sort === 8) result = join([result.subarray(0, at), result.subarray(at + length)]);
    else if (sort === 9) result = join([result.subarray(0, at + length), result.subarray(at)]);
    else if (sort === 10) result = join([result.subarray(0, at), randomBytes(length), result.subarray(at)]);
    else result = result.slice(0, at);
  }
  return result;
}

function randomBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random(256));
}

/** Chunks in a file with right checksums and closing bytes. */
function framed(chunks: readonly { kind: number; raw: Uint8Array; deflated?: Uint8Array }[]): Uint8Array {
  const preamble = encodePreamble();
  const parts = [preamble.bytes];
  let chain = crc32(preamble.bytes);
  let lastBytes = 0;
  for (const [sequence, { kind, raw, deflated }] of chunks.entries()) {
    const coding = deflated === undefined ? CODING.stored : CODING.deflate;
    const frame = encodeChunk(kind, sequence, chain, { coding, rawBytes: raw.length, stored: deflated ?? raw });
    const bytes = join(frame.parts);
    parts.push(bytes);
    chain = frame.chain;
    lastBytes = bytes.length;
  }
  parts.push(encodeTail(lastBytes));
  return join(parts);
}

/** Contents that were altered behind right checksums. */
function forged(): Uint8Array {
  const chunks = (CHUNKS[random(CHUNKS.length)] ?? []).map((chunk) => ({ ...chunk }));
  const sort = random(10);
  const [one, other] = [random(chunks.length), random(chunks.length)];
  const chunk = chunks[one];
  if (chunk === undefined) return new Uint8Array();
  if (sort === 0) [chunks[one], chunks[other]] = [chunks[other] ?? chunk, chunk];
  else if (sort === 1) chunks.splice(one, random(2), { ...chunk, kind: random(256) });
  else if (sort === 2) {
    const deflated = altered(new Uint8Array(deflateRawSync(chunk.raw)));
    chunks[one] = { ...chunk, deflated } as typeof chunk;
  } else for (let left = 1 + random(2); left > 0; left -= 1) chunk.raw = altered(chunk.raw);
  // Without the index it is what is in the chunks that decides.
  return framed(random(2) === 0 ? chunks.slice(0, -1) : chunks);
}

function makeCase(): Uint8Array {
  const base = BASES[random(BASES.length)] ?? new Uint8Array();
  const sort = random(20);
  if (sort === 0) return randomBytes(random(300));
  if (sort === 1) return join([encodePreamble().bytes, randomBytes(random(200))]);
  if (sort === 2) return base.slice(0, random(base.length));
  if (sort === 3) return framed([{ kind: random(9), raw: randomBytes(random(100)) }]);
  if (sort < 9) return altered(base);
  return forged();
}

interface StoredChunk {
  readonly kind: number;
  readonly coding: number;
  readonly rawBytes: number;
  readonly stored: Uint8Array;
}

const CHUNKS_MODELLED = MODELLED.map((bytes): StoredChunk[] => {
  const source = memorySource(bytes);
  const { frames } = scanFrames(source, (kind) => kind === CHUNK_KINDS.index.code);
  return frames.map(({ kind, coding, rawBytes, payloadOffset, storedBytes }) => {
    return { kind, coding, rawBytes, stored: source.read(payloadOffset, storedBytes).slice() };
  });
});

/** Chunks as they are stored, with right checksums. */
function framedAs(chunks: readonly StoredChunk[]): Uint8Array {
  const preamble = encodePreamble();
  const parts = [preamble.bytes];
  let chain = preamble.chain;
  for (const [sequence, { kind, coding, rawBytes, stored }] of chunks.entries()) {
    const length = coding === CODING.modelled ? stored.length : rawBytes;
    const frame = encodeChunk(kind, sequence, chain, { coding, rawBytes: length, stored });
    parts.push(...frame.parts);
    chain = frame.chain;
  }
  parts.push(encodeTail(FRAME_BYTES + (chunks.at(-1)?.stored.length ?? 0)));
  return join(parts);
}

/** Modelled events that were altered behind right checksums; now and then a whole file that was altered. */
function makeModelledCase(): Uint8Array {
  const one = random(MODELLED.length);
  if (random(5) === 0) return altered(MODELLED[one] ?? new Uint8Array());
  const chunks = (CHUNKS_MODELLED[one] ?? []).map((chunk) =>
    chunk.coding === CODING.modelled && random(3) > 0 ? { ...chunk, stored: altered(chunk.stored) } : chunk,
  );
  return framedAs(random(2) === 0 ? chunks.slice(0, -1) : chunks);
}

function typedError(error: unknown): string {
  if (!(error instanceof ParatraceError) || !CODES.includes(error.code)) throw error;
  return error.code;
}

/** Reads all of it in every way; what is read of a damaged trace is right as far as it goes. */
function readAll(trace: TraceReader): string {
  try {
    let count = 0;
    for (const event of trace.events()) if (event.cycle >= 0) count += 1;
    if (trace.version.minor === FORMAT_VERSION.minor && count !== trace.totals.events)
      throw new Error(`${count} events of ${trace.totals.events}`);
    const rows = trace.rows();
    const row = new EventRow();
    for (const event of trace.events()) {
      row.fill(event);
      if (!rows.takeIf(row)) throw new Error(`row ${rows.taken} is another event than the trace has there`);
    }
    for (const records of [trace.inputs(), trace.digests(), trace.counters()]) for (const _ of records);
    for (const digest of trace.embedded) trace.image(digest);
    return trace.problem?.code ?? 'whole';
  } catch (error) {
    return typedError(error);
  }
}

function outcomeOf(bytes: Uint8Array, checks: boolean): string {
  let trace: TraceReader;
  try {
    trace = openTrace(bytes, { partial: true });
  } catch (error) {
    return typedError(error);
  }
  const outcome = readAll(trace);
  if (!checks) return outcome;
  try {
    const check = checkTrace(memorySource(bytes), sha256);
    if (check.trace === undefined) return outcome;
    const parts: Uint8Array[] = [];
    repairTrace(check, (part) => parts.push(part));
    // What was repaired is whole.
    if (readAll(openTrace(join(parts))) !== 'whole') throw new Error('what was repaired is not whole');
  } catch (error) {
    typedError(error);
  }
  return outcome;
}

/** Reads many traces, each within the bounds of memory. How often each outcome was seen: every one of them is. */
function outcomesOf(cases: number, make: () => Uint8Array): ReadonlyMap<string, number> {
  const outcomes = new Map<string, number>();
  let most = 0;
  for (let number = 0; number < cases; number += 1) {
    const bytes = make();
    allocated = 0;
    try {
      const outcome = outcomeOf(bytes, number % CHECK_EVERY === 0);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    } catch (error) {
      throw new Error(`case ${number}: ${Buffer.from(bytes).toString('base64')}`, { cause: error });
    }
    most = Math.max(most, allocated);
  }
  expect([...outcomes.keys()].sort()).toEqual([...CODES.toSorted(), 'whole']);
  expect(most).toBeLessThan(ALLOCATED_BYTES_MAX);
  return outcomes;
}

describe('foreign bytes', () => {
  it(`give a typed error or a right part, ${CASES} times (seed ${SEED})`, () => {
    const outcomes = outcomesOf(CASES, makeCase);
    // Each sort of outcome is reached: the cases are not all refused at the first byte.
    for (const count of outcomes.values()) expect(count).toBeGreaterThan(CASES / 10_000);
  }, 600_000);

  it(`in modelled events give a typed error or a right part, ${MODELLED_CASES} times (seed ${SEED})`, () => {
    const outcomes = outcomesOf(MODELLED_CASES, makeModelledCase);
    for (const code of ['trace.corrupt', 'whole']) expect(outcomes.get(code)).toBeGreaterThan(MODELLED_CASES / 10);
  }, 600_000);

  it.each([0, 0x55, 0xff])('of modelled events that go on with bytes of %i end', (byte) => {
    for (const length of [0, 1, 3, 100, 5000]) {
      const [modelled = []] = CHUNKS_MODELLED;
      const chunks = modelled.map((chunk) =>
        chunk.coding === CODING.modelled ? { ...chunk, stored: new Uint8Array(length).fill(byte) } : chunk,
      );
      allocated = 0;
      outcomeOf(framedAs(chunks), true);
      expect(allocated).toBeLessThan(3 * ALLOCATED_BYTES_MAX);
    }
  });

  it('that declare much get no more memory than is stated', () => {
    const base = BASES[0] ?? new Uint8Array();
    for (let at = 12; at + FRAME_BYTES < base.length; at += 1) {
      const bytes = base.slice();
      bytes.fill(0xff, at, at + 4);
      allocated = 0;
      outcomeOf(bytes, true);
      expect(allocated).toBeLessThan(ALLOCATED_BYTES_MAX);
    }
  });

  it.each(EVENT_SPECS.map(({ kind }) => kind))(
    'with as many events of kind %s as a chunk can say get no more',
    (kind) => {
      const spec = EVENT_SPECS.find((one) => one.kind === kind);
      const constant = (value: number) => Uint8Array.of(COLUMN_CODING.constant.code, value);
      const columnsOf = (varies: boolean) =>
        new Map(spec?.columns.filter((column) => column.varies === varies).map(({ code }) => [code, constant(1)]));
      const code = spec?.code ?? 0;
      const group = (shared: number, columns: Map<number, Uint8Array>): [string, Packable] => [
        'columns',
        new Map([
          [0, new Map([[shared, constant(shared === 1 ? code : 1)]])],
          [code, columns],
        ]),
      ];
      const head = (count: number): [string, Packable][] => [
        ['first', 0],
        ['count', count],
        ['names', ['a', 'b']],
      ];
      const sites = new Map<string, Packable>([...head(LIMITS.sites), group(1, columnsOf(false))]);
      const events = new Map<string, Packable>([
        ...head(LIMITS.rowsPerChunk),
        group(3, columnsOf(true)),
        ['sites', sites],
      ]);
      const [header] = CHUNKS[0] ?? [];
      const image = CHUNKS[0]?.[1];
      if (header === undefined || image === undefined) throw new Error('a trace has a header and an image');
      const bytes = framed([header, image, { kind: CHUNK_KINDS.events.code, raw: pack(events).slice() }]);
      expect(bytes.length).toBeLessThan(2500);
      allocated = 0;
      const trace = openTrace(bytes, { partial: true });
      expect(trace.totals.events).toBe(LIMITS.rowsPerChunk);
      expect(readAll(trace)).toBe('trace.truncated');
      expect(allocated).toBeGreaterThan(2 ** 20);
      // It is decoded three times: to open it, and as objects and rows.
      expect(allocated).toBeLessThan(3 * ALLOCATED_BYTES_MAX);
    },
  );
});
