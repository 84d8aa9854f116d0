/** The events of a chunk row by row, between its columns and the model that codes them. */
import { HIGH, LOW } from '../../hypervisor/event-row.ts';
import type { EventChunk, KindRows } from '../event-chunk.ts';
import type { Packable, PackableMap } from '../messagepack.ts';
import {
  COLUMN_CODING,
  type ColumnSpec,
  EVENT_SHARED_COLUMNS,
  EVENT_SPEC_BY_CODE,
  type EventSpec,
  SHARED_GROUP,
  SITE_SHARED_COLUMNS,
} from '../schema.ts';
import { packTable } from '../table.ts';

/** A site; its fields are those that do not vary, in the order of the kind. A text is a number: its place among the names. */
export interface SiteRow {
  kind: number;
  hart: bigint;
  pc: bigint;
  fields: bigint[];
}

/** An event; its fields are those that vary. */
export interface EventRowOfSite {
  site: number;
  icount: bigint;
  stall: bigint;
  fields: bigint[];
}

export interface EventRows {
  first: number;
  /** In order of first use. */
  readonly names: string[];
  readonly sites: SiteRow[];
  readonly events: EventRowOfSite[];
}

const WORD_BYTES = 8;

/** Undefined where the chunk has a kind that this version does not know. */
export function rowsOfChunk(chunk: EventChunk): EventRows | undefined {
  const sites = Array.from({ length: chunk.siteCount }, (_, site) => ({
    kind: Number(chunk.siteKinds[site]),
    hart: BigInt(chunk.siteHarts[site] ?? 0),
    pc: wordAt(chunk.sitePcs, site),
    fields: [] as bigint[],
  }));
  const events = Array.from(chunk.sites, (site, row) => {
    const icount = BigInt(chunk.icounts[row] ?? 0);
    return { site, icount, stall: BigInt.asUintN(64, BigInt(chunk.cycles[row] ?? 0) - icount), fields: [] as bigint[] };
  });
  for (const kind of chunk.kinds) {
    if (kind === undefined) continue;
    if (kind.spec === undefined) return undefined;
    fillFields(chunk, kind, kind.spec, sites, events);
  }
  return { first: chunk.first, names: renameInOrder(sites, chunk.names), sites, events };
}

function fillFields(
  chunk: EventChunk,
  { code, ...kind }: KindRows,
  spec: EventSpec,
  sites: readonly SiteRow[],
  events: readonly EventRowOfSite[],
): void {
  const fixed = chunk.siteWords({ code, ...kind }, fixedColumns(spec));
  for (const [row, site] of kind.sites.entries()) {
    (sites[site] as SiteRow).fields = fixed.map((words) => wordAt(words, row));
  }
  const varying = chunk.varyingWords({ code, ...kind }, varyingColumns(spec));
  let row = 0;
  for (const event of events) {
    if (sites[event.site]?.kind !== code) continue;
    event.fields = varying.map((words) => wordAt(words, row));
    row += 1;
  }
}

export function fixedColumns(spec: EventSpec): EventSpec['columns'] {
  return spec.columns.filter(({ varies }) => !varies);
}

export function varyingColumns(spec: EventSpec): EventSpec['columns'] {
  return spec.columns.filter(({ varies }) => varies);
}

/** Numbers the texts of sites in the order in which they come, and returns them in that order. */
function renameInOrder(sites: readonly SiteRow[], names: readonly string[]): string[] {
  const places = new Map<bigint, bigint>();
  const ordered: string[] = [];
  for (const { kind, fields } of sites) {
    for (const [index, { type }] of fixedColumns(EVENT_SPEC_BY_CODE.get(kind) as EventSpec).entries()) {
      if (type !== 'name') continue;
      const old = fields[index] as bigint;
      if (!places.has(old)) {
        places.set(old, BigInt(ordered.length));
        ordered.push(names[Number(old)] as string);
      }
      fields[index] = places.get(old) as bigint;
    }
  }
  return ordered;
}

/** The rows as a payload of plain columns. */
export function packRows({ first, names, sites, events }: EventRows): PackableMap {
  const siteGroups: [number, PackableMap][] = [
    [
      SHARED_GROUP,
      packColumns(
        SITE_SHARED_COLUMNS,
        sites.map(({ kind, hart, pc }) => [BigInt(kind), hart, pc]),
      ),
    ],
  ];
  const eventGroups: [number, PackableMap][] = [
    [
      SHARED_GROUP,
      packColumns(
        EVENT_SHARED_COLUMNS,
        events.map(({ site, icount, stall }) => [BigInt(site), icount, stall]),
      ),
    ],
  ];
  for (const code of new Set(sites.map(({ kind }) => kind))) {
    const spec = EVENT_SPEC_BY_CODE.get(code) as EventSpec;
    const ofKind = sites.filter(({ kind }) => kind === code);
    siteGroups.push([
      code,
      packColumns(
        fixedColumns(spec),
        ofKind.map(({ fields }) => fields),
      ),
    ]);
    const eventsOfKind = events.filter(({ site }) => sites[site]?.kind === code);
    eventGroups.push([
      code,
      packColumns(
        varyingColumns(spec),
        eventsOfKind.map(({ fields }) => fields),
      ),
    ]);
  }
  const packed = packTable({ first, count: events.length }, [], eventGroups);
  return packed.set('sites', packTable({ first: 0, count: sites.length }, names, siteGroups));
}

function packColumns(specs: readonly ColumnSpec[], rows: readonly (readonly bigint[])[]): PackableMap {
  const columns = new Map<number, Packable>();
  for (const [index, { code }] of specs.entries()) {
    if (rows.every((row) => row[index] === 0n)) continue;
    const bytes = new Uint8Array(1 + WORD_BYTES * rows.length);
    bytes[0] = COLUMN_CODING.fixed.code;
    const view = new DataView(bytes.buffer);
    for (const [place, row] of rows.entries()) view.setBigUint64(1 + WORD_BYTES * place, row[index] as bigint, true);
    columns.set(code, bytes);
  }
  return columns;
}

function wordAt(words: Uint32Array, row: number): bigint {
  return (BigInt(words[2 * row + HIGH] as number) << 32n) | BigInt(words[2 * row + LOW] as number);
}
