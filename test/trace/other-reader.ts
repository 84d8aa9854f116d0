/**
 * A second reader of traces, written from `docs/trace-format.md` alone: no code and no table of `src/trace/`, bigint arithmetic, zlib for
 * checksums and decompression. It knows the names of columns only by the tables in the document.
 */
import { readFileSync } from 'node:fs';
import { crc32, inflateRawSync } from 'node:zlib';
import { unpack } from 'msgpackr';

type Row = Record<string, bigint | string>;
type Packed = {
  first: number;
  count: number;
  names: string[];
  columns: Record<string, Record<string, Uint8Array>>;
  bytes?: Uint8Array;
};

export interface OtherTrace {
  readonly header: Record<string, unknown>;
  readonly inputs: Row[];
  readonly events: Row[];
  readonly digests: Row[];
  readonly end: Record<string, unknown>;
  readonly kinds: number[];
}

const DOCUMENT = readFileSync(new URL('../../docs/trace-format.md', import.meta.url), 'utf8');

/** Column names and types by code, from the first table after `heading`. */
function columnsAfter(heading: string): Map<string, { name: string; type: string }> {
  const lines = DOCUMENT.slice(DOCUMENT.indexOf(heading)).split('\n');
  const start = lines.findIndex((line) => line.startsWith('| column |'));
  const limit = lines.findIndex((line, index) => index > 0 && line.startsWith('#'));
  const columns = new Map<string, { name: string; type: string }>();
  if (start < 0 || (limit > 0 && start > limit)) return columns;
  for (const line of lines.slice(start + 2)) {
    const [, name, code, type] = line.split('|').map((cell) => cell.trim());
    if (name === undefined || code === undefined || type === undefined) break;
    columns.set(code, { name, type });
  }
  return columns;
}

function decodeColumn(bytes: Uint8Array | undefined, count: number): bigint[] {
  if (bytes === undefined) return new Array(count).fill(0n);
  let at = 1;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] as number;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const varints = (length: number): bigint[] => Array.from({ length }, varint);
  const deltas = (length: number): bigint[] => {
    let last = 0n;
    return varints(length).map((zigzag) => {
      last = BigInt.asUintN(64, last + (zigzag & 1n ? -(zigzag + 1n) / 2n : zigzag / 2n));
      return last;
    });
  };
  switch (bytes[0]) {
    case 0:
      return new Array(count).fill(varint());
    case 1:
      return varints(count);
    case 2:
      return deltas(count);
    case 3: {
      const values = deltas(Number(varint()));
      return varints(count).map((index) => values[Number(index)] as bigint);
    }
    case 4: {
      const view = new DataView(bytes.buffer, bytes.byteOffset + 1);
      return Array.from({ length: count }, (_, row) => view.getBigUint64(8 * row, true));
    }
    default:
      throw new Error(`coding ${bytes[0]}`);
  }
}

function rowsOf(packed: Packed, group: string, count: number, columns: ReturnType<typeof columnsAfter>): Row[] {
  const rows: Row[] = Array.from({ length: count }, () => ({}));
  for (const [code, { name, type }] of columns) {
    const values = decodeColumn(packed.columns[group]?.[code], count);
    for (const [index, value] of values.entries()) {
      const row = rows[index] as Row;
      if (type === 'name') row[name] = packed.names[Number(value)] as string;
      else row[name] = type === 'i64' ? BigInt.asIntN(64, value) : value;
    }
  }
  return rows;
}

function eventRows(packed: Packed): Row[] {
  const shared = rowsOf(packed, '0', packed.count, columnsAfter('## Events'));
  const queues = new Map<bigint, { name: string; rows: Row[] }>();
  for (const { kind } of shared) {
    const code = kind as bigint;
    if (queues.has(code)) continue;
    const count = shared.filter((row) => row.kind === code).length;
    const heading = DOCUMENT.match(new RegExp(`^### ${code}: \`(\\w+)\`$`, 'm')) as RegExpMatchArray;
    queues.set(code, {
      name: heading[1] as string,
      rows: rowsOf(packed, String(code), count, columnsAfter(heading[0])),
    });
  }
  return shared.map((row) => {
    const queue = queues.get(row.kind as bigint) as { name: string; rows: Row[] };
    return { ...row, kind: queue.name, ...queue.rows.shift() };
  });
}

/** Reads a whole trace; any error is thrown as it comes. */
export function readTrace(bytes: Uint8Array): OtherTrace {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const trace = {
    header: {},
    inputs: [] as Row[],
    events: [] as Row[],
    digests: [] as Row[],
    end: {},
    kinds: [] as number[],
  };
  let chain = crc32(bytes.subarray(0, 12));
  let at = 12;
  for (let kind = 0; kind !== 7; ) {
    kind = view.getUint8(at);
    const stored = bytes.subarray(at + 22, at + 22 + view.getUint32(at + 6, true));
    const before = Buffer.alloc(4);
    before.writeUInt32LE(chain);
    chain = crc32(bytes.subarray(at, at + 18), crc32(before));
    if (chain !== view.getUint32(at + 18, true)) throw new Error('chain');
    if (crc32(stored) !== view.getUint32(at + 14, true)) throw new Error('checksum');
    if (view.getUint32(at + 2, true) !== trace.kinds.length) throw new Error('sequence');
    const payload = view.getUint8(at + 1) === 1 ? inflateRawSync(stored) : stored;
    if (payload.length !== view.getUint32(at + 10, true)) throw new Error('length');
    const packed = unpack(payload) as Packed;
    trace.kinds.push(kind);
    if (kind === 1) trace.header = packed;
    if (kind === 3) {
      let from = 0;
      for (const row of rowsOf(packed, '0', packed.count, columnsAfter('### Inputs'))) {
        const end = from + Number(row.lengthBytes);
        trace.inputs.push({
          ...row,
          bytes: Buffer.from((packed.bytes as Uint8Array).subarray(from, end)).toString('hex'),
        });
        from = end;
      }
    }
    if (kind === 4) trace.events.push(...eventRows(packed));
    if (kind === 5) trace.digests.push(...rowsOf(packed, '0', packed.count, columnsAfter('### Digests')));
    if (kind === 6) trace.end = packed;
    at += 22 + stored.length;
    if (kind === 7 && view.getUint32(at, true) !== 22 + stored.length) throw new Error('closing bytes');
  }
  if (at + 8 !== bytes.length) throw new Error('bytes after the end');
  return trace;
}
