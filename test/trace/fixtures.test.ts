import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatError, ParatraceError } from '../../src/errors.ts';
import { memorySource } from '../../src/trace/byte-source.ts';
import { checkTrace } from '../../src/trace/check-trace.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { CHUNK_KINDS, CODING, EVENT_SPECS, FORMAT_VERSION } from '../../src/trace/schema.ts';
import { contentsOf } from './fixture-contents.ts';
import { forge, type Piece, piecesOf } from './forge.ts';
import { readTrace } from './other-reader.ts';

const folder = new URL('fixtures/', import.meta.url);
const V1 = new Uint8Array(readFileSync(new URL('v1.pvt', folder)));
const V1_2 = new Uint8Array(readFileSync(new URL('v1.2.pvt', folder)));
const TRACES = [
  ['1.1', V1, 'c3c47a46506eea3c29fe7ecc9fb2312674eeea0e2cde5925134b63d9c8bc60e5'],
  ['1.2', V1_2, 'd1c6767196e6454531ba1e7f574ff809a0768ffb459a1cdd17661ece1fedfe24'],
] as const;
/** Kinds of events that came later have greater codes. */
const EVENT_CODE_LAST = 19;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const linesOf = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

test.each(TRACES)('a trace of format %s is the one that was written then', (version, bytes, digest) => {
  expect(sha256(bytes)).toBe(digest);
  const { major, minor } = openTrace(bytes).version;
  expect(`${major}.${minor}`).toBe(version);
});

test.each(TRACES)('a trace of format %s is read as it was then', (_, bytes) => {
  // The traces differ in their version alone, which stands in the first line.
  const wanted = linesOf(readFileSync(new URL('v1.jsonl', folder), 'utf8')).slice(1);
  const lines = linesOf(contentsOf(bytes)).slice(1);
  expect(lines).toHaveLength(wanted.length);
  for (const [index, line] of lines.entries()) expect(line).toMatchObject(wanted[index] as object);
  expect(checkTrace(memorySource(bytes), sha256).problem).toBeUndefined();
});

test('that of format 1.2 has modelled events', () => {
  const [events] = openTrace(V1_2).chunks.filter(({ kind }) => kind === 'events');
  expect(events?.frame.coding).toBe(CODING.modelled);
});

test('it has every kind of chunk and of event that there was', () => {
  const { chunks } = openTrace(V1);
  expect([...new Set(chunks.map(({ kind }) => kind))].sort()).toEqual(
    Object.keys(CHUNK_KINDS)
      .filter((kind) => kind !== 'index')
      .sort(),
  );
  const kinds = new Set(Array.from(openTrace(V1).events(), ({ kind }) => kind));
  for (const { kind, code } of EVENT_SPECS) expect(kinds.has(kind), kind).toBe(code <= EVENT_CODE_LAST);
});

test.each(TRACES)('a reader written from the document reads that of format %s', (_, bytes) => {
  const trace = readTrace(bytes);
  expect(trace.events).toHaveLength(openTrace(bytes).totals.events);
  expect(trace.events).toEqual(readTrace(V1).events);
});

test('what a later minor version adds to it is skipped', () => {
  const addition: Piece = { kind: 201, raw: Uint8Array.of(1, 2, 3), count: 0, firstCycle: 0, lastCycle: 0 };
  const pieces = piecesOf(V1);
  const at = pieces.findIndex(({ kind }) => kind === CHUNK_KINDS.events.code);
  const { totals } = openTrace(V1);
  const later = forge(pieces.toSpliced(at, 0, addition), { minor: FORMAT_VERSION.minor + 1, totals });
  expect([...openTrace(later).events()]).toEqual([...openTrace(V1).events()]);
});

test('another major version of it is refused with what to do', () => {
  const other = V1.slice();
  other[8] = FORMAT_VERSION.major + 1;
  try {
    openTrace(other, { partial: true });
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(ParatraceError);
    expect(formatError(error as ParatraceError)).toMatch(
      /format 2\.1; this version reads 1\.x\n.*\n {2}fix: Use the Paratrace version/,
    );
  }
});
