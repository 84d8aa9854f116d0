import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatError, ParatraceError } from '../../src/errors.ts';
import { memorySource } from '../../src/trace/byte-source.ts';
import { checkTrace } from '../../src/trace/check-trace.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { CHUNK_KINDS, EVENT_SPECS, FORMAT_VERSION } from '../../src/trace/schema.ts';
import { contentsOf } from './fixture-contents.ts';
import { forge, type Piece, piecesOf } from './forge.ts';
import { readTrace } from './other-reader.ts';

const folder = new URL('fixtures/', import.meta.url);
const V1 = new Uint8Array(readFileSync(new URL('v1.pvt', folder)));
const V1_SHA256 = 'c3c47a46506eea3c29fe7ecc9fb2312674eeea0e2cde5925134b63d9c8bc60e5';
/** Kinds of events that came later have greater codes. */
const EVENT_CODE_LAST = 19;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const linesOf = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

test('a trace of format 1 is the one that was written then', () => {
  expect(sha256(V1)).toBe(V1_SHA256);
});

test('a trace of format 1 is read as it was then', () => {
  const wanted = linesOf(readFileSync(new URL('v1.jsonl', folder), 'utf8'));
  const lines = linesOf(contentsOf(V1));
  expect(lines).toHaveLength(wanted.length);
  for (const [index, line] of lines.entries()) expect(line).toMatchObject(wanted[index] as object);
  expect(checkTrace(memorySource(V1), sha256).problem).toBeUndefined();
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

test('a reader written from the document reads it', () => {
  const trace = readTrace(V1);
  expect(trace.events).toHaveLength(openTrace(V1).totals.events);
  expect(trace.events.at(-1)?.kind).toBe([...openTrace(V1).events()].at(-1)?.kind);
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
