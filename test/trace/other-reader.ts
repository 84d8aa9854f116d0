/**
 * A second reader of traces, written from `docs/trace-format.md` alone: no code and no table of `src/trace/`, bigint arithmetic, zlib for
 * checksums and decompression. It knows the names of columns only by the tables in the document.
 */
import { readFileSync } from 'node:fs';
import { crc32, inflateRawSync } from 'node:zlib';
import { unpack } from 'msgpackr';
import { type Column, readModelled } from './other-model.ts';

type Row = Record<string, bigint | string>;
type Packed = {
  first: number;
  count: number;
  names: string[];
  columns: Record<string, Record<string, Uint8Array>>;
  bytes?: Uint8Array;
  sites?: Packed;
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

/** Column names and types by code, from the first table after `heading`; only those with a row per `per` where the table says so. */
function columnsAfter(heading: string, per?: string): Map<string, { name: string; type: string }> {
  const lines = DOCUMENT.slice(DOCUMENT.indexOf(heading)).split('\n');
  const start = lines.findIndex((line) => line.startsWith('| column |'));
  const limit = lines.findIndex((line, index) => index > 0 && line.startsWith('#'));
  const columns = new Map<string, { name: string; type: string }>();
  if (start < 0 || (limit > 0 && start > limit)) return columns;
  for (const line of lines.slice(start + 2)) {
    const [, name, code, type, rowPer] = line.split('|').map((cell) => cell.trim());
    if (name === undefined || code === undefined || type === undefined) break;
    if (per === undefined || per === rowPer) columns.set(code, { name, type });
  }
  return columns;
}

/** The sites of rows that are events, and the kin of each site. */
interface Where {
  readonly sites: readonly bigint[];
  readonly kin: ReadonlyMap<bigint, bigint>;
}

/** @param where where rows are events */
function decodeColumn(bytes: Uint8Array | undefined, count: number, where?: Where): bigint[] {
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
  const misses = (): bigint[] => {
    const all: bigint[] = [];
    while (all.length < count) {
      const miss = varint();
      all.push(miss);
      if (miss === 0n) for (let more = varint(); more > 0n; more -= 1n) all.push(0n);
    }
    return all;
  };
  const unzigzag = (zigzag: bigint): bigint => (zigzag & 1n ? -(zigzag + 1n) / 2n : zigzag / 2n);
  const bySite = (): bigint[] => {
    const last = new Map<bigint | undefined, bigint>();
    return misses().map((miss, row) => {
      const site = where?.sites[row];
      const expected = last.get(site) ?? last.get(where?.kin.get(site as bigint)) ?? 0n;
      const value = BigInt.asUintN(64, expected + unzigzag(miss));
      last.set(site, value);
      return value;
    });
  };
  const deltas = (length: number): bigint[] => {
    let last = 0n;
    return varints(length).map((zigzag) => {
      last = BigInt.asUintN(64, last + unzigzag(zigzag));
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
    case 5:
      return bySite();
    case 6: {
      let value = 0n;
      return bySite().map((step) => {
        value = BigInt.asUintN(64, value + step);
        return value;
      });
    }
    case 7: {
      const afterWay = new Map<bigint, bigint>();
      const afterSite = new Map<bigint, bigint>();
      let [way, last, come] = [0n, 0n, 0n];
      return misses().map((miss) => {
        const expected = miss === 0n ? afterWay.get(way) : miss === 1n ? afterSite.get(last) : come;
        const site = miss > 2n ? miss - 3n : (expected ?? come);
        if (site === come) come += 1n;
        afterWay.set(way, site);
        afterSite.set(last, site);
        way = ((way * 32n) ^ site) % 32768n;
        last = site;
        return site;
      });
    }
    default:
      throw new Error(`coding ${bytes[0]}`);
  }
}

function rowsOf(
  packed: Packed,
  group: string,
  count: number,
  columns: ReturnType<typeof columnsAfter>,
  where?: Where,
): Row[] {
  const rows: Row[] = Array.from({ length: count }, () => ({}));
  for (const [code, { name, type }] of columns) {
    const values = decodeColumn(packed.columns[group]?.[code], count, where);
    for (const [index, value] of values.entries()) {
      const row = rows[index] as Row;
      if (type === 'name') row[name] = packed.names[Number(value)] as string;
      else row[name] = type === 'i64' ? BigInt.asIntN(64, value) : value;
    }
  }
  return rows;
}

function kindHeading(code: bigint): RegExpMatchArray {
  return DOCUMENT.match(new RegExp(`^### ${code}: \`(\\w+)\`$`, 'm')) as RegExpMatchArray;
}

function siteRows(packed: Packed): Row[] {
  const sites = rowsOf(packed, '0', packed.count, columnsAfter('### Sites'));
  for (const code of new Set(sites.map(({ kind }) => kind as bigint))) {
    const ofKind = sites.filter(({ kind }) => kind === code);
    const [heading] = kindHeading(code);
    const rows = rowsOf(packed, String(code), ofKind.length, columnsAfter(heading, 'site'));
    for (const [index, row] of rows.entries()) Object.assign(ofKind[index] as Row, row);
  }
  return sites;
}

function kinOf(sites: readonly Row[]): Map<bigint, bigint> {
  const kin = new Map<bigint, bigint>();
  for (const [index, { kind, pc }] of sites.entries()) {
    const before = sites.slice(0, index).findLastIndex((site) => site.kind === kind && site.pc === pc);
    if (before >= 0) kin.set(BigInt(index), BigInt(before));
  }
  return kin;
}

/** The texts of the preset dictionary, as they stand in the document. */
function dictionaryTexts(): string[] {
  const section = DOCUMENT.slice(DOCUMENT.indexOf('## The preset dictionary'), DOCUMENT.indexOf('## Size'));
  return [...section.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
}

const TEXTS = dictionaryTexts();
const DICTIONARY = Buffer.concat(TEXTS.map((text) => Buffer.from([160 + text.length, ...Buffer.from(text)])));

function unpacked(coding: number, stored: Uint8Array): Uint8Array {
  if (coding === 0) return stored;
  return coding === 1 ? inflateRawSync(stored) : inflateRawSync(stored, { dictionary: DICTIONARY });
}

function eventRows(packed: Packed): Row[] {
  const sites = siteRows(packed.sites as Packed);
  const column = packed.columns['0']?.['6'];
  const siteOf = decodeColumn(column, packed.count);
  const kin = kinOf(sites);
  const events = rowsOf(packed, '0', packed.count, columnsAfter('## Events'), { sites: siteOf, kin }).map(
    ({ icount, stall }, index): Row => {
      const cycle = BigInt.asUintN(64, (icount as bigint) + (stall as bigint));
      return { cycle, icount: icount as bigint, ...sites[Number(siteOf[index])] };
    },
  );
  for (const code of new Set(sites.map(({ kind }) => kind as bigint))) {
    const ofKind = siteOf.filter((site) => sites[Number(site)]?.kind === code);
    const [heading, name] = kindHeading(code);
    const rows = rowsOf(packed, String(code), ofKind.length, columnsAfter(heading, 'event'), { sites: ofKind, kin });
    for (const event of events) {
      if (event.kind === code) Object.assign(event, rows.shift(), { kind: name });
    }
  }
  return events;
}

function columnList(kind: bigint, per: string): Column[] {
  const [heading] = kindHeading(kind);
  return [...columnsAfter(heading, per)].map(([code, { name, type }]) => ({ code: Number(code), name, type }));
}

function modelledRows(stored: Uint8Array): Row[] {
  const lists = new Map<string, Column[]>();
  const columnsOf = (kind: bigint, per: string): Column[] => {
    const known = lists.get(`${kind} ${per}`) ?? columnList(kind, per);
    lists.set(`${kind} ${per}`, known);
    return known;
  };
  return readModelled(stored, columnsOf, TEXTS).map(({ kind, hart, pc, icount, stall, fields }) => {
    const [, name = ''] = kindHeading(kind);
    return { cycle: BigInt.asUintN(64, icount + stall), icount, kind: name, hart, pc, ...fields };
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
    const coding = view.getUint8(at + 1);
    const payload = coding === 3 ? stored : unpacked(coding, stored);
    if (payload.length !== view.getUint32(at + 10, true)) throw new Error('length');
    trace.kinds.push(kind);
    if (coding === 3) {
      trace.events.push(...modelledRows(stored));
      at += 22 + stored.length;
      continue;
    }
    const packed = unpack(payload) as Packed;
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
