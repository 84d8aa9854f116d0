/**
 * The frame of the file: a preamble, then chunks that are chained. A chunk's `chain` covers its own frame, the checksum of its
 * payload and the `chain` before it, so a byte that is altered, and a chunk that is lost, doubled, moved or taken from another trace,
 * breaks the chain right there. Lengths are believed only after that check, and nothing is decompressed before its own.
 */
import { deflateSync, inflateSync } from 'fflate/browser';
import { assert } from '../assert.ts';
import { type Crc32, crc32 } from '../crc32.ts';
import { ParatraceError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';
import { DICTIONARY } from './dictionary.ts';
import { asUnpacked, MalformedError, type PackableMap, pack, unpackMap } from './messagepack.ts';
import { decodeModelled } from './model/modelled-events.ts';
import {
  CODING,
  FORMAT_VERSION,
  FRAME_BYTES,
  FRAME_FIELDS,
  LIMITS,
  MAGIC,
  PREAMBLE_BYTES,
  TAIL_BYTES,
  TAIL_MAGIC,
} from './schema.ts';

/** Pinned: another level gives other bytes, and so a trace that does not compare equal. */
const DEFLATE_OPTIONS = { level: 6, mem: 4, dictionary: DICTIONARY } as const;
/** Shorter payloads are stored as they are: deflating them saves less than a frame, and takes milliseconds where it is the first time. */
const DEFLATE_BYTES_MIN = 256;

/** No deflate stream grows by more: 258 bytes take two bits at least. What says that it does is not believed, and nothing is allocated for it. */
const DEFLATE_RATIO_MAX = 1032;
/** A longer payload stays apart from its frame, without a copy. */
const JOINED_BYTES_MAX = 65_536;

/** Where a chunk lies. */
export interface Frame {
  readonly kind: number;
  readonly coding: number;
  readonly sequence: number;
  /** Offset of the frame in the file. */
  readonly offset: number;
  readonly payloadOffset: number;
  readonly storedBytes: number;
  readonly rawBytes: number;
  readonly payloadCrc: number;
  readonly chain: number;
}

export interface FormatVersion {
  readonly major: number;
  readonly minor: number;
}

/** A payload ready to be written. */
export interface StoredPayload {
  readonly coding: number;
  readonly rawBytes: number;
  readonly stored: Uint8Array;
}

/** What a file holds up to the first thing that is wrong with it. */
export interface FrameScan {
  readonly version: FormatVersion;
  /** Whole, chained chunks in order, whose payloads have the right checksums. */
  readonly frames: readonly Frame[];
  /** Why the scan ended before the end of the closing tail; undefined if the file is whole. */
  readonly problem: ParatraceError | undefined;
}

/** The first bytes of a trace, and the start of the chain. */
export function encodePreamble(): { readonly bytes: Uint8Array; readonly chain: number } {
  const bytes = new Uint8Array(PREAMBLE_BYTES);
  bytes.set(MAGIC);
  const view = new DataView(bytes.buffer);
  view.setUint16(MAGIC.length, FORMAT_VERSION.major, true);
  view.setUint16(MAGIC.length + 2, FORMAT_VERSION.minor, true);
  return { bytes, chain: crc32(bytes) };
}

/** Compresses a payload where that makes it shorter by enough. */
export function storePayload(raw: Uint8Array): StoredPayload {
  assert(raw.length <= LIMITS.chunkBytes, `a trace chunk of ${raw.length} bytes`);
  const stored = { coding: CODING.stored, rawBytes: raw.length, stored: raw };
  if (raw.length < DEFLATE_BYTES_MIN) return stored;
  const deflated = deflateSync(raw, DEFLATE_OPTIONS);
  if (deflated.length < raw.length) return { coding: CODING.preset, rawBytes: raw.length, stored: deflated };
  return stored;
}

/** The payload of an events chunk in the coding that is shortest. @param modelled in the coding of that name, where it has one */
export function storeEvents(raw: Uint8Array, modelled: Uint8Array | undefined): StoredPayload {
  const payload = storePayload(raw);
  if (modelled === undefined || modelled.length >= payload.stored.length) return payload;
  return { coding: CODING.modelled, rawBytes: modelled.length, stored: modelled };
}

/** A chunk as it stands in the file, in one part or two, and the chain after it. */
export function encodeChunk(
  kind: number,
  sequence: number,
  chain: number,
  payload: StoredPayload,
  crc: Crc32 = crc32,
): { readonly parts: readonly Uint8Array[]; readonly chain: number } {
  const { coding, rawBytes, stored } = payload;
  const isJoined = stored.length <= JOINED_BYTES_MAX;
  const bytes = new Uint8Array(FRAME_BYTES + (isJoined ? stored.length : 0));
  const view = new DataView(bytes.buffer);
  view.setUint8(FRAME_FIELDS.kind.offset, kind);
  view.setUint8(FRAME_FIELDS.coding.offset, coding);
  view.setUint32(FRAME_FIELDS.sequence.offset, sequence, true);
  view.setUint32(FRAME_FIELDS.storedBytes.offset, stored.length, true);
  view.setUint32(FRAME_FIELDS.rawBytes.offset, rawBytes, true);
  view.setUint32(FRAME_FIELDS.payloadCrc.offset, crc(stored), true);
  const next = chainOf(chain, bytes);
  view.setUint32(FRAME_FIELDS.chain.offset, next, true);
  if (isJoined) bytes.set(stored, FRAME_BYTES);
  return { parts: isJoined ? [bytes] : [bytes, stored], chain: next };
}

/** The closing tail, after an index chunk of `indexBytes` (frame included). */
export function encodeTail(indexBytes: number): Uint8Array {
  const tail = new Uint8Array(TAIL_BYTES);
  new DataView(tail.buffer).setUint32(0, indexBytes, true);
  tail.set(TAIL_MAGIC, 4);
  return tail;
}

/**
 * Walks the frames of a file and checks every payload by its checksum. `isLast` names the closing kind, after which only the tail may
 * follow. Throws `trace.not-a-trace`, `trace.version`, or `trace.truncated` when not even the preamble is whole.
 */
export function scanFrames(source: ByteSource, isLast: (kind: number) => boolean): FrameScan {
  const version = readPreamble(source);
  const frames: Frame[] = [];
  let chain = crc32(source.read(0, PREAMBLE_BYTES));
  let offset = PREAMBLE_BYTES;
  for (;;) {
    const frame = readFrame(source, offset, frames.length, chain);
    if (frame instanceof ParatraceError) return { version, frames, problem: frame };
    const damaged = checkPayload(source, frame);
    if (damaged !== undefined) return { version, frames, problem: damaged };
    frames.push(frame);
    chain = frame.chain;
    offset = frame.payloadOffset + frame.storedBytes;
    if (isLast(frame.kind)) {
      return { version, frames, problem: checkTail(source, offset, offset - frame.offset) };
    }
  }
}

/** Checks a payload against its checksum. Undefined if it is right. */
function checkPayload(source: ByteSource, frame: Frame): ParatraceError | undefined {
  if (crc32(source.read(frame.payloadOffset, frame.storedBytes)) === frame.payloadCrc) return undefined;
  return corrupt(`the checksum of chunk ${frame.sequence} does not match its bytes`, frame.offset);
}

/** The decompressed payload. Throws `trace.corrupt` if it is not what the frame says, `trace.version` if its coding is not known. */
export function readPayload(source: ByteSource, frame: Frame): Uint8Array {
  const raw = decompressPayload(source, frame);
  return raw instanceof Uint8Array ? raw : pack(raw).slice();
}

/** The payload as a map. Throws as {@link readPayload} does, and {@link MalformedError} if it is none. */
export function readMap(source: ByteSource, frame: Frame): Readonly<Record<string, unknown>> {
  const raw = decompressPayload(source, frame);
  return raw instanceof Uint8Array ? unpackMap(raw) : asUnpacked(raw);
}

/** A map where the coding gives one. */
function decompressPayload(source: ByteSource, frame: Frame): Uint8Array | PackableMap {
  const stored = source.read(frame.payloadOffset, frame.storedBytes);
  const { coding, sequence, rawBytes, offset } = frame;
  if (coding > CODING.modelled) {
    throw new ParatraceError('trace.version', `chunk ${sequence} has coding ${coding}, which is not known`, { offset });
  }
  try {
    const raw = decompress(stored, coding, rawBytes);
    if (raw !== undefined) return raw;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw corrupt(`chunk ${sequence}: ${error.message}`, offset);
  }
  throw corrupt(`chunk ${sequence} does not unpack to ${rawBytes} bytes`, offset);
}

/** Undefined if the bytes are none of the coding, or of another length. */
function decompress(stored: Uint8Array, coding: number, rawBytes: number): Uint8Array | PackableMap | undefined {
  if (coding === CODING.deflate) return inflateExactly(stored, rawBytes);
  if (coding === CODING.preset) return inflateExactly(stored, rawBytes, DICTIONARY);
  if (rawBytes !== stored.length) return undefined;
  return coding === CODING.modelled ? decodeModelled(stored) : stored;
}

export function corrupt(message: string, offset: number): ParatraceError {
  return new ParatraceError('trace.corrupt', message, { offset });
}

function truncated(message: string, offset: number): ParatraceError {
  return new ParatraceError('trace.truncated', message, { offset });
}

/** The version of a trace. Throws `trace.not-a-trace`, `trace.version`, and `trace.truncated` where not even that is there. */
export function readPreamble(source: ByteSource): FormatVersion {
  const bytes = source.read(0, Math.min(source.sizeBytes, PREAMBLE_BYTES));
  for (let at = 0; at < Math.min(bytes.length, MAGIC.length); at += 1) {
    if (bytes[at] !== MAGIC[at]) {
      throw new ParatraceError('trace.not-a-trace', 'the file does not begin as a trace does', { offset: at });
    }
  }
  if (bytes.length < PREAMBLE_BYTES) {
    throw truncated(`the trace ends after ${bytes.length} bytes, before its header`, bytes.length);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const major = view.getUint16(MAGIC.length, true);
  const minor = view.getUint16(MAGIC.length + 2, true);
  if (major !== FORMAT_VERSION.major) {
    const message = `the trace has format ${major}.${minor}; this version reads ${FORMAT_VERSION.major}.x`;
    throw new ParatraceError('trace.version', message, { offset: MAGIC.length });
  }
  return { major, minor };
}

/**
 * A single chunk by its place in the index, with its payload checked. The chain is not: it needs the chunks before.
 * Throws `trace.corrupt` and `trace.truncated`.
 */
export function readLoneFrame(source: ByteSource, offset: number, sequence: number): Frame {
  const frame = readFrame(source, offset, sequence, undefined);
  if (frame instanceof ParatraceError) throw frame;
  const damaged = checkPayload(source, frame);
  if (damaged !== undefined) throw damaged;
  return frame;
}

/** Offset of the index of a complete trace, by its closing bytes. Throws `trace.truncated` where there are none. */
export function findIndex(source: ByteSource): number {
  const end = source.sizeBytes - TAIL_BYTES;
  const tail = end < PREAMBLE_BYTES ? new Uint8Array(TAIL_BYTES) : source.read(end, TAIL_BYTES);
  const indexBytes = new DataView(tail.buffer, tail.byteOffset, TAIL_BYTES).getUint32(0, true);
  const offset = end - indexBytes;
  if (encodeTail(indexBytes).some((byte, at) => byte !== tail[at]) || offset < PREAMBLE_BYTES) {
    throw truncated('the trace does not end as a complete one does', Math.max(0, end));
  }
  return offset;
}

/** The frame at `offset`, checked but for its payload, or why there is none. @param chain undefined: it is not checked */
function readFrame(
  source: ByteSource,
  offset: number,
  sequence: number,
  chain: number | undefined,
): Frame | ParatraceError {
  const left = source.sizeBytes - offset;
  if (left === 0) return truncated(`the trace ends after ${sequence} whole chunks, without its closing chunk`, offset);
  if (left < FRAME_BYTES) return truncated(`the trace ends inside the frame of chunk ${sequence}`, offset);
  const bytes = source.read(offset, FRAME_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frame: Frame = {
    kind: view.getUint8(FRAME_FIELDS.kind.offset),
    coding: view.getUint8(FRAME_FIELDS.coding.offset),
    sequence: view.getUint32(FRAME_FIELDS.sequence.offset, true),
    offset,
    payloadOffset: offset + FRAME_BYTES,
    storedBytes: view.getUint32(FRAME_FIELDS.storedBytes.offset, true),
    rawBytes: view.getUint32(FRAME_FIELDS.rawBytes.offset, true),
    payloadCrc: view.getUint32(FRAME_FIELDS.payloadCrc.offset, true),
    chain: view.getUint32(FRAME_FIELDS.chain.offset, true),
  };
  if (chain !== undefined && frame.chain !== chainOf(chain, bytes)) {
    return corrupt(`the frame of chunk ${sequence} is damaged, or a chunk before it is missing`, offset);
  }
  if (frame.sequence !== sequence) {
    return corrupt(`chunk ${sequence} has sequence number ${frame.sequence}`, offset);
  }
  if (frame.storedBytes > LIMITS.chunkBytes || frame.rawBytes > LIMITS.chunkBytes) {
    return corrupt(`chunk ${sequence} is longer than ${LIMITS.chunkBytes} bytes`, offset);
  }
  if (frame.rawBytes > DEFLATE_RATIO_MAX * frame.storedBytes) {
    return corrupt(`chunk ${sequence} cannot unpack to ${frame.rawBytes} bytes`, offset);
  }
  if (frame.storedBytes > left - FRAME_BYTES) {
    return truncated(`the trace ends inside chunk ${sequence}`, offset);
  }
  return frame;
}

function checkTail(source: ByteSource, offset: number, indexBytes: number): ParatraceError | undefined {
  const expected = encodeTail(indexBytes);
  const tail = source.read(offset, Math.min(source.sizeBytes - offset, TAIL_BYTES));
  for (let at = 0; at < TAIL_BYTES; at += 1) {
    if (at >= tail.length) return truncated('the trace ends inside its closing bytes', offset);
    if (tail[at] !== expected[at]) return corrupt('the closing bytes are wrong', offset + at);
  }
  const end = offset + TAIL_BYTES;
  const more = source.sizeBytes - end;
  return more > 0 ? corrupt(`${more} bytes after the end of the trace`, end) : undefined;
}

/** The chain value of a frame. */
function chainOf(previous: number, frame: Uint8Array): number {
  const before = new Uint8Array(FRAME_FIELDS.chain.sizeBytes);
  new DataView(before.buffer).setUint32(0, previous, true);
  return crc32(frame, crc32(before), 0, FRAME_FIELDS.chain.offset);
}

/** Decompresses to exactly `rawBytes`, or undefined. One byte more is offered so that a longer stream shows. */
function inflateExactly(stored: Uint8Array, rawBytes: number, dictionary?: Uint8Array): Uint8Array | undefined {
  try {
    const out = new Uint8Array(rawBytes + 1);
    const raw = inflateSync(stored, dictionary === undefined ? { out } : { out, dictionary });
    return raw.length === rawBytes ? raw : undefined;
  } catch {
    return undefined;
  }
}
