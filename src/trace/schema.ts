/**
 * The only definition of the trace format (`.pvt`). Writer, reader and `docs/trace-format.md` are derived from the tables here;
 * what an event is comes from the event vocabulary (`hypervisor/events.ts`), and this file gives each of its fields a number.
 *
 * Rules that keep old traces readable. A code is explicit, never reused and never an array position. A minor version may add
 * fields (a column that is absent reads as zero), event kinds and chunk kinds from {@link OPTIONAL_KIND_FIRST} on; older readers
 * skip all three. Anything else is a new major version, and another major version is refused.
 */
import { EVENT_KINDS, EVENT_STAMP, type EventKind, type FieldType } from '../hypervisor/events.ts';
import { MODE_NAMES, type NetConfig, type RunConfig } from '../session/config.ts';
import {
  END_REASONS,
  type EndReason,
  type InputRecord,
  type RecordPort,
  type RunCounters,
  type RunEnd,
} from '../session/ports.ts';

/** First bytes of every trace: a byte no text begins with, `PVT`, and line ends that a text-mode transfer would spoil. */
export const MAGIC: readonly number[] = [0x8b, 0x50, 0x56, 0x54, 0x0d, 0x0a, 0x1a, 0x0a];
export const FORMAT_VERSION = { major: 1, minor: 2 } as const;

/** Magic, then major and minor version, 16 bits each. All integers of the frame are little-endian. */
export const PREAMBLE_BYTES = 12;

/** The frame in front of each payload: field, offset, size in bytes. */
export const FRAME_FIELDS = {
  kind: { offset: 0, sizeBytes: 1, about: 'Chunk kind.' },
  coding: { offset: 1, sizeBytes: 1, about: 'Payload coding.' },
  sequence: { offset: 2, sizeBytes: 4, about: 'Chunks before this one: 0 for the header.' },
  storedBytes: { offset: 6, sizeBytes: 4, about: 'Length of the payload as stored, right after the frame.' },
  rawBytes: {
    offset: 10,
    sizeBytes: 4,
    about: 'Length of the payload when decompressed; as stored in the coding `modelled`.',
  },
  payloadCrc: { offset: 14, sizeBytes: 4, about: 'CRC-32 of the payload as stored.' },
  chain: {
    offset: 18,
    sizeBytes: 4,
    about:
      'CRC-32 of the four bytes of the previous chunk\u2019s `chain` followed by the 18 frame bytes before this field. For the first chunk the CRC-32 of the preamble stands in for the previous `chain`.',
  },
} as const;
export const FRAME_BYTES = 22;

/** Payload codings. */
export const CODING = { stored: 0, deflate: 1, preset: 2, modelled: 3 } as const;

/** Last bytes of a complete trace, after the length of the index chunk (frame included) as 32 bits. */
export const TAIL_MAGIC: readonly number[] = [0x50, 0x56, 0x54, 0x2e];
export const TAIL_BYTES = 8;

/** Chunk kinds. */
export const CHUNK_KINDS = {
  header: { code: 1, about: 'What was run: configuration, profiles, images. Always the first chunk.' },
  image: {
    code: 2,
    about: 'The bytes of an embedded image, or a part of them, in the order of `embedded` in the header.',
  },
  inputs: {
    code: 3,
    about: 'Console bytes given to the guest, and marks of the user: the only thing that a replay needs.',
  },
  events: { code: 4, about: 'Events, column by column: what a replay must reproduce and what reports read.' },
  digests: { code: 5, about: 'Digests of the whole machine state at intervals.' },
  end: { code: 6, about: 'How the run ended. At most one, after all inputs, events and digests.' },
  index: { code: 7, about: 'Totals and the place of every chunk before it. Always the last chunk.' },
  counters: { code: 128, about: 'What the harts had counted at each digest of the digests chunk right before it.' },
} as const satisfies Record<string, { readonly code: number; readonly about: string }>;
export type ChunkKind = keyof typeof CHUNK_KINDS;

/** A reader skips an unknown chunk kind from here on, and refuses one below. */
export const OPTIONAL_KIND_FIRST = 128;

/** Bounds, checked before anything is allocated or decoded. */
export const LIMITS = {
  /** Payload of one chunk, stored or decompressed. */
  chunkBytes: 32 * 1024 * 1024,
  /** Records in one chunk. */
  rowsPerChunk: 65_536,
  /** Sites in one chunk. */
  sites: 65_535,
  /** Rows of the index. */
  indexRows: 1_048_576,
  /** Bytes of one input record. */
  inputBytes: 16 * 1024 * 1024,
  /** Characters of a name, UTF-16. */
  nameLength: 4096,
  /** Values in the MessagePack of one chunk. */
  packedValues: 1_048_576,
  /** Image chunks. */
  imageChunks: 8192,
  /** Nesting of the MessagePack of one chunk. */
  packedDepth: 16,
  /** Events of a chunk in the coding `modelled`. */
  modelledEvents: 512,
  /** Bytes of all names of such a chunk that are not in the preset dictionary. */
  modelledNameBytes: 4096,
} as const;

/**
 * When pending records are written. The rules look at the run alone, never at a clock of the host, so that a replay writes the
 * same bytes. All pending records are written together: inputs, then events, then digests, so that a prefix of a trace replays.
 */
export const FLUSH = { events: 8192, inputs: 1024, inputBytes: 65_536, digests: 16 } as const;

/** Longest part of an image in one chunk: what is longer has several. */
export const IMAGE_PART_BYTES = 16 * 1024 * 1024;

/** A recorder embeds an image if it is at most `rawBytes` long and its chunk has at most `storedBytes`, as it is or deflated. */
export const EMBED_LIMITS = { rawBytes: 16 * 1024 * 1024, storedBytes: 1024 * 1024 } as const;

/**
 * Column codings: the first byte of a column. A column whose values are all zero is left out. The last three say how far each row is
 * from what was to be expected of it: they serve columns with one row per event, whose events have sites.
 */
export const COLUMN_CODING = {
  constant: { code: 0, about: 'One varint: the value of every row.' },
  plain: { code: 1, about: 'One varint per row.' },
  delta: {
    code: 2,
    about: 'One varint per row: the zigzag of the difference, modulo 2^64, from the row before (from 0 for the first).',
  },
  table: {
    code: 3,
    about:
      'A varint N, then N distinct values as in `delta` in order of first use, then one varint per row: an index into them.',
  },
  fixed: { code: 4, about: 'Eight bytes per row, little-endian.' },
  again: {
    code: 5,
    about:
      'Misses: zigzag of the difference, modulo 2^64, from the last row before of the same site; if there is none, of its kin; else from 0. See "Sites".',
  },
  stride: {
    code: 6,
    about:
      'Misses as in `again`, but of the differences, modulo 2^64, from the row before (from 0 for the first) in place of the values.',
  },
  follow: {
    code: 7,
    about:
      'Only for `site`. Misses: 0 if the site is the one expected, 1 if it is the other one expected, 2 if it is new, else the site and 3. See "Sites".',
  },
} as const;

/**
 * What the coding `follow` remembers of the way to an event: `(way << shift) ^ site`, in as many bits. Three sites back tell apart the
 * turns of most loops.
 */
export const SITE_WAY = { shift: 5, bits: 15 } as const;

/** A column of a chunk. */
export interface ColumnSpec {
  readonly code: number;
  readonly name: string;
  readonly type: FieldType;
}

type EventFieldName = { [K in EventKind]: keyof (typeof EVENT_KINDS)[K]['fields'] }[EventKind] & string;

/** Numbers of the event fields, one per name whatever the kind. A new field needs a line here: the compiler says so. */
export const EVENT_FIELD_CODES = {
  entryCycles: 1,
  handlingCycles: 2,
  returnCycles: 3,
  eid: 4,
  fid: 5,
  arg0: 6,
  arg1: 7,
  arg2: 8,
  arg3: 9,
  arg4: 10,
  arg5: 11,
  error: 12,
  value: 13,
  device: 14,
  register: 15,
  gpa: 16,
  sizeBytes: 17,
  write: 18,
  reason: 19,
  source: 20,
  line: 21,
  cause: 22,
  queue: 23,
  availIndex: 24,
  waiting: 25,
  head: 26,
  descriptors: 27,
  indirect: 28,
  readableBytes: 29,
  writableBytes: 30,
  inFlight: 31,
  writtenBytes: 32,
  usedIndex: 33,
  delivered: 34,
  what: 35,
  offending: 36,
  from: 37,
  target: 38,
  state: 39,
  port: 40,
  lengthBytes: 41,
  status: 42,
  operation: 43,
  count: 44,
  tableWrites: 45,
  rootLoads: 46,
  flushes: 47,
  by: 48,
  label: 49,
} as const satisfies Record<EventFieldName, number>;

/** Number of the column group that all rows of a chunk share; the columns of an event kind are grouped under its code. */
export const SHARED_GROUP = 0;

/**
 * Fields that tend to differ from event to event. The others tend to be the same whenever a guest passes the same place: they are
 * kept once per site and chunk. Which is which is part of the format. No `name` is among these.
 */
const VARYING_FIELDS: ReadonlySet<EventFieldName> = new Set([
  'arg0',
  'arg1',
  'arg2',
  'arg3',
  'arg4',
  'arg5',
  'error',
  'value',
  'availIndex',
  'waiting',
  'head',
  'descriptors',
  'readableBytes',
  'writableBytes',
  'inFlight',
  'writtenBytes',
  'usedIndex',
  'offending',
  'lengthBytes',
  'status',
  'count',
  'tableWrites',
  'rootLoads',
  'flushes',
]);

/**
 * Columns of every event: the row of its site, and when it was. `stall` is the cycle less the instruction count, modulo 2^64: where
 * instructions take a cycle each, it changes only for another reason.
 */
export const EVENT_SHARED_COLUMNS: readonly ColumnSpec[] = [
  { code: 6, name: 'site', type: 'u16' },
  { code: 3, name: 'icount', type: EVENT_STAMP.icount },
  { code: 7, name: 'stall', type: 'u64' },
];

/** Columns of every site: the kind of its events by code, and where they happen. */
export const SITE_SHARED_COLUMNS: readonly ColumnSpec[] = [
  { code: 1, name: 'kind', type: 'u16' },
  { code: 4, name: 'hart', type: EVENT_STAMP.hart },
  { code: 5, name: 'pc', type: EVENT_STAMP.pc },
];

/** A field of an event as a column. */
export interface EventColumn extends ColumnSpec {
  /** Its place among the fields of its kind. */
  readonly place: number;
  /** Whether it has a row per event rather than per site. */
  readonly varies: boolean;
}

/** One event kind with its columns. */
export interface EventSpec {
  readonly kind: EventKind;
  readonly code: number;
  readonly about: string;
  readonly columns: readonly EventColumn[];
}

/** All event kinds in order of their codes. */
export const EVENT_SPECS: readonly EventSpec[] = (Object.keys(EVENT_KINDS) as EventKind[])
  .map((kind) => {
    const { code, about, fields } = EVENT_KINDS[kind];
    const columns = Object.entries(fields as Readonly<Record<string, FieldType>>).map(([name, type], place) => ({
      code: EVENT_FIELD_CODES[name as EventFieldName],
      name,
      type,
      place,
      varies: VARYING_FIELDS.has(name as EventFieldName),
    }));
    return { kind, code, about, columns };
  })
  .sort((a, b) => a.code - b.code);

export const EVENT_SPEC_BY_CODE: ReadonlyMap<number, EventSpec> = new Map(EVENT_SPECS.map((spec) => [spec.code, spec]));

/** Columns of an inputs chunk. `events` is the number of events before the record: with it the order of all records is known. */
export const INPUT_COLUMNS: readonly ColumnSpec[] = [
  { code: 1, name: 'events', type: 'u53' },
  { code: 2, name: 'cycle', type: 'u53' },
  { code: 3, name: 'icount', type: 'u53' },
  { code: 4, name: 'port', type: 'u8' },
  { code: 5, name: 'via', type: 'u8' },
  { code: 6, name: 'lengthBytes', type: 'u32' },
];

export const INPUT_PORT_CODES = { uart0: 1, 'virtio-console': 2, dbcn: 3, mark: 4 } as const satisfies Record<
  RecordPort,
  number
>;
export const INPUT_VIA_CODES = { pull: 1, push: 2 } as const satisfies Record<InputRecord['via'], number>;

/** Columns of a digests chunk. */
export const DIGEST_COLUMNS: readonly ColumnSpec[] = [
  { code: 1, name: 'events', type: 'u53' },
  { code: 2, name: 'cycle', type: 'u53' },
  { code: 3, name: 'icount', type: 'u53' },
  { code: 4, name: 'memory', type: 'u64' },
  { code: 5, name: 'harts', type: 'u64' },
  { code: 6, name: 'devices', type: 'u64' },
];

/**
 * What a row of a counters chunk has, in this order: sums over all harts since reset. A newer minor version may have more behind them.
 */
export const COUNTER_FIELDS = {
  walkReferences: 'References to page tables that walks made.',
  userLoad: 'TLB misses of loads in U-mode.',
  userStore: 'Of stores.',
  userFetch: 'Of fetches.',
  kernelLoad: 'TLB misses of loads in any mode above U. Privilege is the virtual one where a guest has one.',
  kernelStore: 'Of stores.',
  kernelFetch: 'Of fetches.',
  userFirstUses:
    'Walks in U-mode that found a leaf for the first time since its entry was written (mode `pv` only): what shadow paging would have had to fill.',
  kernelFirstUses: 'The same in S-mode.',
} as const satisfies Readonly<Record<keyof RunCounters, string>>;
export const COUNTER_NAMES = Object.keys(COUNTER_FIELDS) as readonly (keyof RunCounters)[];
/** Key of the rows in the map of a counters chunk: short, because there may be one row only. */
export const COUNTER_ROWS_KEY = 0;

/** Columns of the index: one row per chunk before it. Cycles are those of its first and last record; 0 if it has none. */
export const INDEX_COLUMNS: readonly ColumnSpec[] = [
  { code: 1, name: 'kind', type: 'u8' },
  { code: 2, name: 'offset', type: 'u53' },
  { code: 3, name: 'count', type: 'u53' },
  { code: 4, name: 'firstCycle', type: 'u53' },
  { code: 5, name: 'lastCycle', type: 'u53' },
];

/** What the two clocks of a run mean; stands in every header. */
export const MEANING = {
  icount: 'instructions retired by all harts since reset',
  cycle:
    'model cycles of the one clock of the machine since reset: instruction costs of the core profile, page-table walks, hypervisor work and idle time',
} as const;

/** Fields of `config` in the header besides the images. A `name` is any string here. */
export const CONFIG_FIELDS = {
  mode: 'name',
  costs: 'name',
  core: 'name',
  hartCount: 'u8',
  memoryBytes: 'u53',
  append: 'name',
  entry: 'name',
  seed: 'name',
  quantumCycles: 'u53',
  digestIntervalCycles: 'u53',
  maxCycles: 'u53',
  rtcEpochSeconds: 'u53',
  misaligned: 'name',
  adUpdate: 'name',
} as const satisfies Record<Exclude<keyof RunConfig, 'guest' | 'initrd' | 'drives' | 'net'>, FieldType>;

/** Fields of `net` in `config`, which is there if the machine had a network. */
export const NET_FIELDS = { latencyCycles: 'u53' } as const satisfies Record<keyof NetConfig, FieldType>;

/** The values that some of them are limited to. */
export const CONFIG_CHOICES: Readonly<Record<string, readonly string[]>> = {
  mode: MODE_NAMES,
  entry: ['m', 's'],
  misaligned: ['hardware', 'trap'],
  adUpdate: ['hardware', 'fault'],
};

/** Fields of the end chunk. */
export const END_FIELDS = {
  events: 'u53',
  cycle: 'u53',
  icount: 'u53',
  reason: 'name',
  status: 'u53',
  message: 'name',
} as const satisfies Record<keyof RunEnd | 'events', FieldType>;
export const END_REASON_NAMES: readonly EndReason[] = END_REASONS;

/** Totals in the index. */
export const TOTAL_FIELDS = { events: 'u53', inputs: 'u53', inputBytes: 'u53', digests: 'u53' } as const;
export type TraceTotals = { readonly [T in keyof typeof TOTAL_FIELDS]: number };

/** Plain values of the header: what JSON can say. Numbers are finite; integers are safe. */
export type HeaderValue = null | boolean | number | string | readonly HeaderValue[] | HeaderObject;
export type HeaderObject = { readonly [key: string]: HeaderValue };

/**
 * Fields of `excerpt` in the header, which is there if the trace does not hold all events of its run: it holds those numbered from
 * `fromEvent` on and below `toEvent`.
 */
export const EXCERPT_FIELDS = { fromEvent: 'u53', toEvent: 'u53' } as const satisfies Record<string, FieldType>;
export type TraceExcerpt = { readonly [E in keyof typeof EXCERPT_FIELDS]: number };

/** What was run. */
export interface TraceHeader {
  readonly config: RunConfig;
  /** All prices, so that a trace stands alone. */
  readonly costProfile: HeaderObject;
  /** All numbers of the core profile. */
  readonly coreProfile: HeaderObject;
  /** Which events of the run the trace holds, if not all. */
  readonly excerpt?: TraceExcerpt | undefined;
}
