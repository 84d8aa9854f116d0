/**
 * MessagePack with msgpackr, narrowed to what the format uses, so that the bytes are the same on every host and foreign bytes can
 * do no harm. Integers keep their value whatever their size (msgpackr alone writes a number from 2^32 on as a float); no records,
 * no extensions, no native code. Before msgpackr reads anything, {@link checkPacked} has walked all of it.
 */
import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { assert } from '../assert.ts';
import { type HeaderObject, type HeaderValue, LIMITS } from './schema.ts';

/** What is packed: maps are written in insertion order; a `bigint` is an integer. */
export type Packable = boolean | number | bigint | string | null | Uint8Array | readonly Packable[] | PackableMap;
export type PackableMap = ReadonlyMap<string | number, Packable>;

/** Thrown for packed bytes that are malformed or outside the limits; the reader turns it into `trace.corrupt` with its place. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

const packr = new Packr({ useRecords: false, variableMapSize: true, moreTypes: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, moreTypes: false });
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The packed bytes, valid until the next call. */
export function pack(value: PackableMap): Uint8Array {
  return packr.pack(value);
}

/** What stands in front of `lengthBytes` bytes of a packed binary. */
export function packBinaryHead(lengthBytes: number): Uint8Array {
  const size = lengthBytes < 0x100 ? 0 : lengthBytes < 0x1_0000 ? 1 : 2;
  const head = new Uint8Array(1 + (1 << size));
  head[0] = 0xc4 + size;
  for (let at = head.length - 1, rest = lengthBytes; at > 0; at -= 1, rest >>>= 8) head[at] = rest & 255;
  return head;
}

/** A non-negative or negative safe integer so that it is packed as one. */
export function packInteger(value: number): number | bigint {
  assert(Number.isSafeInteger(value), `an integer of the trace is ${value}`);
  return value > 0xffff_ffff || value < -0x8000_0000 ? BigInt(value) : value;
}

/** The unpacked map. Integers beyond 32 bits come as `bigint`, maps as objects. Throws {@link MalformedError}. */
export function unpackMap(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  checkPacked(bytes);
  const value: unknown = unpackr.unpack(bytes);
  if (!isMap(value)) throw new MalformedError('not a map');
  return value;
}

/** What {@link unpackMap} makes of the packed map, where it need not be packed. Its integers are those of `packInteger`. */
export function asUnpacked(map: PackableMap): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...map].map(([key, value]) => [key, value instanceof Map ? asUnpacked(value) : value]));
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/**
 * A plain object of the caller, such as a cost profile, as header value: keys without a value are left out.
 * Asserts that it holds nothing but JSON values, with finite numbers.
 */
export function toHeaderObject(value: object): HeaderObject {
  const result = toHeaderValue(value, 0);
  assert(isMap(result), 'a header object is a list');
  return result as HeaderObject;
}

/** A header value as it is packed. */
export function packHeaderValue(value: HeaderValue): Packable {
  if (typeof value === 'number') return Number.isInteger(value) ? packInteger(value) : value;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(packHeaderValue);
  return new Map(Object.entries(value as HeaderObject).map(([key, item]) => [key, packHeaderValue(item)]));
}

/** A header value from what was unpacked. Throws {@link MalformedError}. */
export function unpackHeaderValue(value: unknown): HeaderValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value);
  if (Array.isArray(value)) return value.map(unpackHeaderValue);
  if (!isMap(value)) throw new MalformedError('a header value of a type that has no place there');
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpackHeaderValue(item)]));
}

function toHeaderValue(value: unknown, depth: number): HeaderValue {
  assert(depth < LIMITS.packedDepth - 4, 'a header object is nested too deep');
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') {
    assert(
      Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)),
      `header number ${value}`,
    );
    return value;
  }
  if (Array.isArray(value)) return value.map((item) => toHeaderValue(item, depth + 1));
  assert(isMap(value), `a header object holds a ${typeof value}`);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  assert(!entries.some(([key]) => key === '__proto__'), 'a header object has a key `__proto__`');
  return Object.fromEntries(entries.map(([key, item]) => [key, toHeaderValue(item, depth + 1)]));
}

/** A walk over packed bytes, without building anything. */
interface Walk {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
  values: number;
}

/** Checks form, limits and types of one packed value that fills `bytes`. Throws {@link MalformedError}. */
function checkPacked(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const walk: Walk = { bytes, view, at: 0, values: 0 };
  checkValue(walk, 0);
  if (walk.at !== bytes.length) throw new MalformedError('bytes after the packed value');
}

function checkValue(walk: Walk, depth: number): void {
  walk.values += 1;
  if (walk.values > LIMITS.packedValues) throw new MalformedError('too many packed values');
  if (depth > LIMITS.packedDepth) throw new MalformedError('packed values nested too deep');
  const token = take(walk, 1);
  if (token < 0x80 || token >= 0xe0) return;
  if (token < 0x90) checkItems(walk, token & 15, true, depth);
  else if (token < 0xa0) checkItems(walk, token & 15, false, depth);
  else if (token < 0xc0) checkText(walk, token & 31);
  else checkLongValue(walk, token, depth);
}

/** A value whose type is a whole byte. */
function checkLongValue(walk: Walk, token: number, depth: number): void {
  switch (token) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      break;
    case 0xc4: // bin
    case 0xc5:
    case 0xc6:
      skip(walk, take(walk, 1 << (token - 0xc4)));
      break;
    case 0xcb: // float 64
      skip(walk, 8);
      break;
    case 0xcc: // uint
    case 0xcd:
    case 0xce:
    case 0xcf:
      skip(walk, 1 << (token - 0xcc));
      break;
    case 0xd0: // int
    case 0xd1:
    case 0xd2:
    case 0xd3:
      skip(walk, 1 << (token - 0xd0));
      break;
    case 0xd9: // str
    case 0xda:
    case 0xdb:
      checkText(walk, take(walk, 1 << (token - 0xd9)));
      break;
    case 0xdc: // array
    case 0xdd:
      checkItems(walk, take(walk, token === 0xdc ? 2 : 4), false, depth);
      break;
    case 0xde: // map
    case 0xdf:
      checkItems(walk, take(walk, token === 0xde ? 2 : 4), true, depth);
      break;
    default:
      throw new MalformedError(`packed type 0x${token.toString(16)} has no place in a trace`);
  }
}

function checkItems(walk: Walk, count: number, isMapToken: boolean, depth: number): void {
  for (let index = 0; index < count; index += 1) {
    if (isMapToken) checkKey(walk);
    checkValue(walk, depth + 1);
  }
}

/** A key is a short text or a small non-negative integer. */
function checkKey(walk: Walk): void {
  const token = take(walk, 1);
  if (token < 0x80) return;
  if (token === 0xcc) {
    skip(walk, 1);
    return;
  }
  const length = token >= 0xa0 && token < 0xc0 ? token & 31 : token === 0xd9 ? take(walk, 1) : -1;
  if (length < 0) throw new MalformedError('a packed key that is neither a short text nor a small number');
  const start = walk.at;
  checkText(walk, length);
  if (utf8.decode(walk.bytes.subarray(start, walk.at)) === '__proto__') throw new MalformedError('a forbidden key');
}

function checkText(walk: Walk, length: number): void {
  const start = walk.at;
  skip(walk, length);
  try {
    utf8.decode(walk.bytes.subarray(start, walk.at));
  } catch {
    throw new MalformedError('text that is not UTF-8');
  }
}

function skip(walk: Walk, length: number): void {
  if (length > walk.bytes.length - walk.at) throw new MalformedError('packed value cut off');
  walk.at += length;
}

/** A big-endian unsigned number of 1, 2 or 4 bytes. */
function take(walk: Walk, size: number): number {
  const at = walk.at;
  skip(walk, size);
  if (size === 1) return walk.view.getUint8(at);
  return size === 2 ? walk.view.getUint16(at) : walk.view.getUint32(at);
}
