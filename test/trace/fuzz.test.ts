import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { syntheticEvents } from '../../bench/synthetic-events.ts';
import { ParatraceError } from '../../src/errors.ts';
import type { VmEvent } from '../../src/hypervisor/events.ts';
import { encodeChunk, encodePreamble } from '../../src/trace/frame.ts';
import type { Packable } from '../../src/trace/messagepack.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { CHUNK_KINDS, CODING, FORMAT_VERSION, LIMITS, MAGIC } from '../../src/trace/schema.ts';
import { type Call, join, record } from './arbitraries.ts';
import { forge, type Piece, piecesOf, withPayload } from './forge.ts';

const CODES = ['trace.truncated', 'trace.corrupt', 'trace.not-a-trace', 'trace.version'];

/** Reads everything; a typed error is as good as a result. */
function readAll(bytes: Uint8Array, partial: boolean): string {
  try {
    const trace = openTrace(bytes, { partial });
    for (const event of trace.events()) expect(event.kind).toBeTypeOf('string');
    for (const input of trace.inputs()) expect(input.bytes).toBeInstanceOf(Uint8Array);
    for (const digest of trace.digests()) expect(digest.memory).toBeTypeOf('bigint');
    for (const sha256 of trace.embedded) trace.image(sha256);
    return trace.problem?.code ?? 'whole';
  } catch (error) {
    expect(error).toBeInstanceOf(ParatraceError);
    const { code } = error as ParatraceError;
    expect(CODES).toContain(code);
    return code;
  }
}

const events = [...syntheticEvents(200)];
const calls: Call[] = events.map((value) => ({ what: 'event', value }));
const at = { cycle: 2 ** 40, icount: 2 ** 40 };
calls.push({ what: 'input', value: { ...at, port: 'dbcn', via: 'pull', bytes: new Uint8Array([1, 2, 3]) } });
calls.push({ what: 'digest', value: { ...at, memory: 1n, harts: 2n, devices: 3n } });
const whole = record({ calls, end: { ...at, reason: 'tohost', status: 1, message: '' } });
const pieces = piecesOf(whole);

describe('foreign bytes', () => {
  test('give a typed error', () => {
    const property = fc.property(
      fc.uint8Array({ maxLength: 400 }),
      fc.boolean(),
      fc.boolean(),
      (bytes, partial, begun) => {
        const preamble = encodePreamble().bytes;
        readAll(begun ? join([preamble, bytes]) : bytes, partial);
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });

  test('in a payload with right checksums give a result or a typed error', () => {
    const change = fc.record({
      chunk: fc.nat({ max: pieces.length - 1 }),
      at: fc.nat(),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
      cut: fc.boolean(),
    });
    const seen = new Map<string, number>();
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), fc.boolean(), (changes, index) => {
      const changed = pieces.slice();
      for (const { chunk, at: place, bytes, cut } of changes) {
        const piece = changed[chunk] as Piece;
        const raw = piece.raw.slice();
        const start = place % raw.length;
        raw.set(bytes.subarray(0, raw.length - start), start);
        changed[chunk] = { ...piece, raw: cut ? raw.subarray(0, start) : raw };
      }
      const code = readAll(forge(changed, { index }), !index);
      seen.set(code, (seen.get(code) ?? 0) + 1);
    });
    fc.assert(property, { numRuns: 1500 });
    expect([...seen.keys()].sort()).toEqual(['trace.corrupt', 'trace.truncated', 'whole']);
  });

  test('in a compressed stream with right checksums give a result or a typed error', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 5000 }), (stored, rawBytes) => {
      const preamble = encodePreamble();
      const frame = encodeChunk(CHUNK_KINDS.header.code, 0, preamble.chain, {
        coding: CODING.deflate,
        rawBytes,
        stored,
      });
      expect(readAll(join([preamble.bytes, ...frame.parts]), true)).not.toBe('whole');
    });
    fc.assert(property, { numRuns: 2000 });
  });
});

describe('a hostile chunk', () => {
  const eventPiece = pieces.findIndex((piece) => piece.kind === CHUNK_KINDS.events.code);
  const replaced = (entries: [string, Packable][], index = false): string =>
    readAll(
      forge(pieces.with(eventPiece, withPayload(pieces[eventPiece] as Piece, new Map(entries))), { index }),
      !index,
    );
  const columns = new Map([[0, new Map([[1, new Uint8Array([0, 11])]])]]);

  test.each([
    ['more rows than a chunk may have', LIMITS.rowsPerChunk + 1],
    ['a count that is not a number', 'many'],
    ['a negative count', -1],
  ])('with %s is corrupt', (_, count) => {
    expect(
      replaced([
        ['first', 0],
        ['count', count],
        ['names', []],
        ['columns', columns],
      ]),
    ).toBe('trace.corrupt');
  });

  test('that claims other records than the index says is corrupt', () => {
    const table: [string, Packable][] = [
      ['first', 0],
      ['count', 3],
      ['names', []],
      ['columns', columns],
    ];
    expect(replaced(table, true)).toBe('trace.corrupt');
    // Without an index it still contradicts the end chunk.
    expect(replaced(table)).toBe('trace.corrupt');
  });

  test.each([
    ['no sites', undefined, [1, 0, 0]],
    ['sites that are not a table', 7, [1, 0, 0]],
    ['more sites than events', 3, [1, 0, 0]],
    ['an event at a site that there is not', 1, [1, 0, 1]],
    ['a miss that is no site', 1, [7, 0, 0, 4]],
    ['a run of zeros beyond the column', 1, [7, 0, 2]],
    ['a coding by sites for the sites themselves', 1, [5, 0, 1]],
    ['fewer rows than events', 1, [7, 1]],
  ])('with %s is corrupt', (_, siteCount, coded) => {
    const kinds = new Map([[0, new Map([[1, new Uint8Array([0, 11])]])]]);
    const sites = new Map<string, Packable>([
      ['first', 0],
      ['count', siteCount ?? 0],
      ['names', []],
      ['columns', kinds],
    ]);
    const entries: [string, Packable][] = [
      ['first', 0],
      ['count', 2],
      ['names', []],
      ['columns', new Map([[0, new Map([[6, new Uint8Array(coded)]])]])],
    ];
    if (siteCount !== undefined) entries.push(['sites', siteCount === 7 ? 7 : sites]);
    const piece: Piece = {
      kind: CHUNK_KINDS.events.code,
      raw: new Uint8Array(),
      count: 2,
      firstCycle: 0,
      lastCycle: 0,
    };
    const trace = forge([pieces[0] as Piece, withPayload(piece, new Map(entries))]);
    expect(readAll(trace, false)).toBe('trace.corrupt');
  });

  test('that unpacks to more than it says is corrupt, and no more is allocated', () => {
    const zeros = new Uint8Array(LIMITS.chunkBytes);
    const bomb = forge([{ ...(pieces[0] as Piece), raw: zeros }], { index: false });
    expect(readAll(bomb, true)).toBe('trace.corrupt');
    const preamble = encodePreamble();
    const rawBytes = LIMITS.chunkBytes + 1;
    const frame = encodeChunk(1, 0, preamble.chain, { coding: CODING.deflate, rawBytes, stored: new Uint8Array(9) });
    expect(readAll(join([preamble.bytes, ...frame.parts]), true)).toBe('trace.corrupt');
  });

  test('out of place is corrupt', () => {
    for (const order of [
      [...pieces].reverse(),
      [...pieces, pieces[0]],
      [...pieces, pieces.at(-1)],
      [...pieces, pieces[1]],
      [],
    ]) {
      expect(readAll(forge(order as Piece[]), false)).toBe('trace.corrupt');
    }
  });

  test('with totals that are not those of its chunks is corrupt', () => {
    const totals = { events: 1, inputs: 1, inputBytes: 3, digests: 1 };
    expect(readAll(forge(pieces, { totals }), false)).toBe('trace.corrupt');
  });
});

describe('additions of a later minor version', () => {
  const optional: Piece = { kind: 200, raw: new Uint8Array([1, 2, 3]), count: 9, firstCycle: 0, lastCycle: 0 };

  test('are skipped: a chunk kind', () => {
    const trace = openTrace(
      forge([...pieces.slice(0, 2), optional, ...pieces.slice(2)], { minor: FORMAT_VERSION.minor + 1 }),
    );
    expect([...trace.events()]).toEqual(events);
    expect(trace.end?.reason).toBe('tohost');
  });

  test('are skipped: a column, a key and an event kind', () => {
    const table = (count: number, columns: [number, number[]][]): [string, Packable][] => [
      ['first', 0],
      ['count', count],
      ['names', []],
      ['later', 'addition'],
      ['columns', new Map([[0, new Map(columns.map(([code, bytes]) => [code, new Uint8Array(bytes)]))]])],
    ];
    // Sites of kinds 11 (idle), 99 (not known), 12 (wake), in the coding `plain`; columns 77 and 78 are not known.
    const sites = new Map(
      table(3, [
        [1, [1, 11, 99, 12]],
        [77, [9, 9]],
      ]),
    );
    const events = new Map(
      table(3, [
        [6, [1, 0, 1, 2]],
        [78, [9, 9]],
      ]),
    ).set('sites', sites);
    const header = pieces[0] as Piece;
    const piece: Piece = {
      kind: CHUNK_KINDS.events.code,
      raw: new Uint8Array(),
      count: 3,
      firstCycle: 0,
      lastCycle: 0,
    };
    const bytes = (minor: number): Uint8Array => forge([header, withPayload(piece, events)], { minor });
    const kinds = [...openTrace(bytes(FORMAT_VERSION.minor + 1)).events()].map((event: VmEvent) => event.kind);
    expect(kinds).toEqual(['idle', 'wake']);
    expect(readAll(bytes(FORMAT_VERSION.minor), false)).toBe('trace.corrupt');
  });

  test('that may not be skipped are refused', () => {
    const needed = { ...optional, kind: 100 };
    const order = [...pieces.slice(0, 2), needed, ...pieces.slice(2)];
    expect(readAll(forge(order, { minor: FORMAT_VERSION.minor + 1 }), false)).toBe('trace.version');
    expect(readAll(forge(order), false)).toBe('trace.corrupt');
  });
});

test('the magic is no text and survives no conversion of line ends', () => {
  expect(MAGIC[0]).toBeGreaterThan(127);
  expect(MAGIC).toContain(0x0d);
});
