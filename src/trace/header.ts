/**
 * The header and end chunks: maps whose fields are named in the schema, checked one by one on the way in.
 */
import { assert } from '../assert.ts';
import { NUMBER_MAX } from '../hypervisor/event-row.ts';
import type { FieldType } from '../hypervisor/events.ts';
import type { ImageRef, RunConfig } from '../session/config.ts';
import type { EndReason, RunEnd } from '../session/ports.ts';
import {
  isMap,
  MalformedError,
  type Packable,
  type PackableMap,
  packHeaderValue,
  packInteger,
  unpackHeaderValue,
} from './messagepack.ts';
import {
  CONFIG_CHOICES,
  CONFIG_FIELDS,
  END_FIELDS,
  END_REASON_NAMES,
  EXCERPT_FIELDS,
  type HeaderObject,
  LIMITS,
  MEANING,
  NET_FIELDS,
  type TraceExcerpt,
  type TraceHeader,
} from './schema.ts';
import { toInteger } from './table.ts';

const SHA256_HEX = /^[0-9a-f]{64}$/;
const DRIVES_MAX = 64;

type Fields = Readonly<Record<string, FieldType>>;
type Unpacked = Readonly<Record<string, unknown>>;

/** @param embedded SHA-256 of the image of each image chunk that follows, in order. */
export function packHeader(header: TraceHeader, embedded: readonly string[]): PackableMap {
  const { guest, initrd, drives, net } = header.config;
  const config = packFields(CONFIG_FIELDS, header.config);
  config.set('guest', packImage(guest));
  config.set('initrd', initrd === undefined ? null : packImage(initrd));
  config.set('drives', drives.map(packImage));
  if (net !== undefined) config.set('net', packFields(NET_FIELDS, net));
  const packed = new Map<string, Packable>([
    ['meaning', packHeaderValue(MEANING)],
    ['config', config],
    ['costProfile', packHeaderValue(header.costProfile)],
    ['coreProfile', packHeaderValue(header.coreProfile)],
    ['embedded', embedded],
  ]);
  if (header.excerpt !== undefined) packed.set('excerpt', packFields(EXCERPT_FIELDS, header.excerpt));
  return packed;
}

/** Throws {@link MalformedError} for anything but a header. Fields that are not known are skipped. */
export function unpackHeader(packed: Unpacked): { header: TraceHeader; embedded: readonly string[] } {
  const fields = mapIn(packed, 'config');
  for (const [name, choices] of Object.entries(CONFIG_CHOICES)) {
    if (!choices.includes(String(fields[name]))) throw new MalformedError(`\`${name}\` is ${String(fields[name])}`);
  }
  const config = {
    ...unpackFields(CONFIG_FIELDS, fields),
    guest: unpackImage(fields.guest),
    initrd: fields.initrd === null ? undefined : unpackImage(fields.initrd),
    drives: listIn(fields, 'drives', DRIVES_MAX).map(unpackImage),
    ...(fields.net === undefined ? {} : { net: unpackFields(NET_FIELDS, mapIn(fields, 'net')) }),
  } as unknown as RunConfig;
  const header: TraceHeader = {
    config,
    costProfile: unpackHeaderValue(mapIn(packed, 'costProfile')) as HeaderObject,
    coreProfile: unpackHeaderValue(mapIn(packed, 'coreProfile')) as HeaderObject,
    ...(packed.excerpt === undefined ? {} : { excerpt: unpackExcerpt(mapIn(packed, 'excerpt')) }),
  };
  const embedded = listIn(packed, 'embedded', LIMITS.imageChunks).map(unpackSha256);
  return { header, embedded };
}

function unpackExcerpt(packed: Unpacked): TraceExcerpt {
  const excerpt = unpackFields(EXCERPT_FIELDS, packed) as unknown as TraceExcerpt;
  if (excerpt.toEvent < excerpt.fromEvent) throw new MalformedError('an excerpt that ends before it begins');
  return excerpt;
}

/** @param events number of events of the run. */
export function packEnd(end: RunEnd, events: number): PackableMap {
  return packFields(END_FIELDS, { ...end, events });
}

/** Throws {@link MalformedError} for anything but an end. */
export function unpackEnd(packed: Unpacked): { end: RunEnd; events: number } {
  const fields = unpackFields(END_FIELDS, packed);
  if (!END_REASON_NAMES.includes(fields.reason as EndReason)) {
    throw new MalformedError(`\`reason\` is ${String(fields.reason)}`);
  }
  const { events, ...end } = fields;
  return { end: end as unknown as RunEnd, events: events as number };
}

/** Packs the fields of `values` by the types of a table of fields. Asserts their types and ranges. */
export function packFields(fields: Fields, values: object): Map<string, Packable> {
  const packed = new Map<string, Packable>();
  for (const [name, type] of Object.entries(fields)) {
    const value = (values as Unpacked)[name];
    if (type === 'name') {
      assert(typeof value === 'string', `header field ${name} is not a text`);
      packed.set(name, value);
    } else {
      const fits = typeof value === 'number' && value >= 0 && value <= (NUMBER_MAX[type] ?? -1);
      assert(fits, `header field ${name} is ${String(value)}`);
      packed.set(name, packInteger(value));
    }
  }
  return packed;
}

/** The inverse of {@link packFields}. Throws {@link MalformedError}. */
export function unpackFields(fields: Fields, packed: Unpacked): Record<string, number | string> {
  const entries = Object.entries(fields).map(([name, type]): [string, number | string] => {
    const value = packed[name];
    if (type !== 'name') return [name, toInteger(value, NUMBER_MAX[type] ?? 0, name)];
    if (typeof value !== 'string') throw new MalformedError(`\`${name}\` is not a text`);
    return [name, value];
  });
  return Object.fromEntries(entries);
}

/** A SHA-256 digest in lower-case hex. Throws {@link MalformedError}. */
export function unpackSha256(value: unknown): string {
  if (typeof value !== 'string' || !SHA256_HEX.test(value)) throw new MalformedError('a SHA-256 digest is malformed');
  return value;
}

function packImage(image: ImageRef): PackableMap {
  return new Map<string, Packable>([
    ['name', image.name],
    ['sizeBytes', packInteger(image.sizeBytes)],
    ['sha256', image.sha256],
  ]);
}

function unpackImage(value: unknown): ImageRef {
  if (!isMap(value) || typeof value.name !== 'string') throw new MalformedError('an image reference is malformed');
  return {
    name: value.name,
    sizeBytes: toInteger(value.sizeBytes, Number.MAX_SAFE_INTEGER, 'sizeBytes'),
    sha256: unpackSha256(value.sha256),
  };
}

function mapIn(map: Unpacked, name: string): Unpacked {
  const value = map[name];
  if (!isMap(value)) throw new MalformedError(`\`${name}\` is not a map`);
  return value;
}

function listIn(map: Unpacked, name: string, lengthMax: number): readonly unknown[] {
  const value = map[name];
  if (!Array.isArray(value) || value.length > lengthMax) throw new MalformedError(`\`${name}\` is not a short list`);
  return value;
}
