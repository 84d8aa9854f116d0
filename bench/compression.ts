/**
 * What other compressions would make of the events chunks of traces, as columns: bytes, and processor time of both ways; and what the files hold. docs/adr/compression.md has the result.
 * Run: `npx esbuild bench/compression.ts --bundle --platform=node --format=esm --outfile=dist/bench/compression.js` and
 * `node dist/bench/compression.js traces/*.pvt`. Node has zstd from version 22.15 on.
 */
import { readFileSync } from 'node:fs';
import * as zlib from 'node:zlib';
import { deflateSync, inflateSync } from 'fflate';
import { memorySource } from '../src/trace/byte-source.ts';
import { DICTIONARY } from '../src/trace/dictionary.ts';
import { scanFrames } from '../src/trace/frame.ts';
import { openTrace } from '../src/trace/reader.ts';
import { CHUNK_KINDS, FRAME_BYTES } from '../src/trace/schema.ts';
import { piecesOf } from '../test/trace/forge.ts';

type Code = (raw: Uint8Array) => Uint8Array;
type Decode = (coded: Uint8Array) => Uint8Array;
interface Zstd {
  readonly zstdCompressSync?: (raw: Uint8Array, options: object) => Uint8Array;
  readonly zstdDecompressSync?: Code;
  readonly constants: Readonly<Record<string, number>>;
}

const OPTIONS = { level: 6, mem: 4 } as const;
const ROUNDS = 5;

const traces = process.argv.slice(2).map((path) => {
  const bytes = new Uint8Array(readFileSync(path));
  const trace = openTrace(bytes);
  // As columns, also where the chunk is short enough to be modelled.
  const chunks = piecesOf(bytes).filter(({ kind }) => kind === CHUNK_KINDS.events.code);
  const payloads = chunks.map(({ raw }) => raw);
  const { frames } = scanFrames(memorySource(bytes), (kind) => kind === CHUNK_KINDS.index.code);
  const written = frames.filter(({ kind }) => kind === CHUNK_KINDS.events.code).map(({ storedBytes }) => storedBytes);
  return { events: trace.totals.events, payloads, written };
});

const codecs: [name: string, code: Code, decode: Decode][] = [
  ['stored', (raw) => raw, (coded) => coded],
  ['deflate by fflate, level 6', (raw) => deflateSync(raw, OPTIONS), (coded) => inflateSync(coded)],
  [
    'the same with the preset dictionary',
    (raw) => deflateSync(raw, { ...OPTIONS, dictionary: DICTIONARY }),
    (coded) => inflateSync(coded, { dictionary: DICTIONARY }),
  ],
  ['deflate by zlib, level 9', (raw) => zlib.deflateRawSync(raw, { level: 9 }), (coded) => zlib.inflateRawSync(coded)],
  ...[5, 11].map((level): [string, Code, Decode] => [
    `brotli, quality ${level}`,
    (raw) => zlib.brotliCompressSync(raw, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: level } }),
    (coded) => zlib.brotliDecompressSync(coded),
  ]),
  ...zstdCodecs(zlib as unknown as Zstd),
];

function zstdCodecs({ zstdCompressSync, zstdDecompressSync, constants }: Zstd): [string, Code, Decode][] {
  const level = constants.ZSTD_c_compressionLevel;
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined || level === undefined) return [];
  return [3, 19].map((value) => [
    `zstd, level ${value}`,
    (raw) => zstdCompressSync(raw, { params: { [level]: value } }),
    (coded) => zstdDecompressSync(coded),
  ]);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function processorMs(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** The cells of bytes: all chunks of all traces, and with their frames for each event. @param lengths of chunks, by trace */
function sizeCells(lengths: readonly (readonly number[])[]): [total: string, perEvent: string] {
  const sum = (values: readonly number[], more: number) => values.reduce((all, value) => all + more + value, 0);
  const perEvent = traces.map(({ events }, index) => sum(lengths[index] ?? [], FRAME_BYTES) / Math.max(1, events));
  return [sum(lengths.flat(), 0).toLocaleString('en'), median(perEvent).toFixed(2)];
}

const rows = codecs.map(([name, code, decode]) => {
  const coded = traces.map(({ payloads }) => payloads.map(code));
  const times = (work: () => void) => median(Array.from({ length: ROUNDS }, () => processorMs(work)));
  const codeMs = times(() => {
    for (const { payloads } of traces) for (const raw of payloads) code(raw);
  });
  const decodeMs = times(() => {
    for (const payload of coded.flat()) decode(payload);
  });
  const lengths = coded.map((chunks) => chunks.map(({ length }) => length));
  return [name, ...sizeCells(lengths), codeMs.toFixed(0), decodeMs.toFixed(0)];
});
rows.push(['as they are in the files', ...sizeCells(traces.map(({ written }) => written)), '', '']);
const events = traces.reduce((sum, trace) => sum + trace.events, 0);
console.log(`${traces.length} traces, ${events} events, Node ${process.version}`);
const head = ['compression', 'bytes', 'median bytes per event', 'ms to write', 'ms to read'];
for (const row of [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows])
  console.log(`| ${row.join(' | ')} |`);
