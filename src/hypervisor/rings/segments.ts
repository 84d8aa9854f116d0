/**
 * Moves bytes between a chain's buffers and the host. A request is a stream of bytes, however the driver cut it into buffers
 * (virtio 1.2 section 2.7.4.1). Work goes piece by piece, so that no buffer of the guest decides how much the host allocates.
 */
import { assert } from '../../assert.ts';
import type { GuestMemory } from '../../machine/bus.ts';
import type { Segment } from './ring-model.ts';

/** Largest piece handled at once. */
const PIECE_BYTES_MAX = 64 * 1024;

/**
 * Calls `visit(pa, lengthBytes, position)` for the bytes `[offset, offset + lengthBytes)` of the stream that the segments form,
 * in order; `position` counts from `offset`. Stops at the end of the segments.
 */
export function visitPieces(
  segments: readonly Segment[],
  offset: number,
  lengthBytes: number,
  visit: (pa: number, lengthBytes: number, position: number) => void,
): void {
  let skip = offset;
  let position = 0;
  for (const segment of segments) {
    if (position >= lengthBytes) return;
    if (skip >= segment.lengthBytes) {
      skip -= segment.lengthBytes;
      continue;
    }
    for (let at = skip; at < segment.lengthBytes && position < lengthBytes; ) {
      const piece = Math.min(PIECE_BYTES_MAX, segment.lengthBytes - at, lengthBytes - position);
      visit(segment.pa + at, piece, position);
      at += piece;
      position += piece;
    }
    skip = 0;
  }
}

/** Copies up to `lengthBytes` (small: headers) from `offset` of the stream; shorter if the stream is. */
export function readSegments(
  memory: GuestMemory,
  segments: readonly Segment[],
  offset: number,
  lengthBytes: number,
): Uint8Array {
  assert(lengthBytes <= PIECE_BYTES_MAX, 'readSegments is for small reads');
  const bytes = new Uint8Array(lengthBytes);
  let end = 0;
  visitPieces(segments, offset, lengthBytes, (pa, pieceBytes, position) => {
    bytes.set(memory.readBytes(pa, pieceBytes), position);
    end = position + pieceBytes;
  });
  return end === lengthBytes ? bytes : bytes.subarray(0, end);
}

/** Writes bytes from `offset` of the stream on; returns how many there was room for. */
export function writeSegments(
  memory: GuestMemory,
  segments: readonly Segment[],
  offset: number,
  bytes: Uint8Array,
): number {
  let written = 0;
  visitPieces(segments, offset, bytes.length, (pa, pieceBytes, position) => {
    // Most go into one piece. A subarray would take a short array's bytes out of the heap, which costs more than all else here.
    memory.writeBytes(pa, pieceBytes === bytes.length ? bytes : bytes.subarray(position, position + pieceBytes));
    written = position + pieceBytes;
  });
  return written;
}
