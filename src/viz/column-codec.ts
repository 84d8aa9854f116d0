/**
 * One column of numbers as text for the report file: variable-length integers, deflated, in base64. A million rows of a typical
 * column become a few hundred kilobytes, and a reader decodes only the columns that it needs.
 */
import { deflateSync, inflateSync } from 'fflate/browser';
import { assert } from '../assert.ts';

/** Column types by the array that holds them. */
export type ColumnType = 'u8' | 'u16' | 'u32' | 'f64' | 'u64' | 'i64';

export type ColumnArray = Uint8Array | Uint16Array | Uint32Array | Float64Array | BigUint64Array | BigInt64Array;

export interface EncodedColumn {
  readonly type: ColumnType;
  /** `delta`: each value is the difference from the one before, never negative. */
  readonly coding: 'plain' | 'delta';
  readonly count: number;
  /** Length of the integers before compression. */
  readonly rawBytes: number;
  readonly data: string;
}

const VARINT_BYTES_MAX = 8;
const COMPRESSION_LEVEL = 6;
/** A multiple of 3, so that the pieces of base64 join without padding. */
const BASE64_PIECE_BYTES = 3 * 4096;

/** An array of the column's type. `f64` holds safe non-negative integers. */
export function allocateColumn(type: ColumnType, count: number): ColumnArray {
  switch (type) {
    case 'u8':
      return new Uint8Array(count);
    case 'u16':
      return new Uint16Array(count);
    case 'u32':
      return new Uint32Array(count);
    case 'f64':
      return new Float64Array(count);
    case 'u64':
      return new BigUint64Array(count);
    case 'i64':
      return new BigInt64Array(count);
  }
}

/** @param coding `delta` asks for values that never decrease. */
export function encodeColumn(type: ColumnType, coding: 'plain' | 'delta', values: ColumnArray): EncodedColumn {
  const numbers = asNumbers(values);
  const bytes = new Uint8Array(numbers.length * VARINT_BYTES_MAX);
  const rawBytes = writeVarints(numbers, coding, bytes);
  const packed = deflateSync(bytes.subarray(0, rawBytes), { level: COMPRESSION_LEVEL });
  return { type, coding, count: values.length, rawBytes, data: toBase64(packed) };
}

export function decodeColumn(column: EncodedColumn): ColumnArray {
  const bytes = inflateSync(fromBase64(column.data), { out: new Uint8Array(column.rawBytes) });
  assert(bytes.length === column.rawBytes, 'a column of the report has another length than it says');
  const values = allocateColumn(column.type, column.count);
  readVarints(bytes, column.coding, asNumbers(values));
  return values;
}

/**
 * The array as one of numbers; 64-bit values as their 32-bit halves in memory order. The bytes of the file do not depend on the
 * byte order of the host as long as that is little-endian, as every host of a current JavaScript engine is.
 */
function asNumbers(values: ColumnArray): Exclude<ColumnArray, BigUint64Array | BigInt64Array> {
  if (values instanceof BigUint64Array || values instanceof BigInt64Array) {
    return new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  }
  return values;
}

function writeVarints(numbers: ArrayLike<number>, coding: 'plain' | 'delta', bytes: Uint8Array): number {
  let at = 0;
  let previous = 0;
  for (let i = 0; i < numbers.length; i += 1) {
    const value = numbers[i] ?? 0;
    let rest = coding === 'delta' ? value - previous : value;
    assert(rest >= 0 && Number.isSafeInteger(rest), 'a column holds a value that its coding cannot express');
    previous = value;
    while (rest >= 0x8000_0000) {
      bytes[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      bytes[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[at++] = rest;
  }
  return at;
}

function readVarints(
  bytes: Uint8Array,
  coding: 'plain' | 'delta',
  numbers: { [index: number]: number; length: number },
) {
  let at = 0;
  let previous = 0;
  for (let i = 0; i < numbers.length; i += 1) {
    let byte = bytes[at++] ?? 0;
    let value = byte & 127;
    for (let scale = 128; byte >= 128 && scale < 2 ** 56; scale *= 128) {
      byte = bytes[at++] ?? 0;
      value += (byte & 127) * scale;
    }
    previous = coding === 'delta' ? previous + value : value;
    numbers[i] = previous;
  }
  assert(at === bytes.length, 'a column of the report has another number of rows than it says');
}

function toBase64(bytes: Uint8Array): string {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += BASE64_PIECE_BYTES) {
    pieces.push(btoa(String.fromCharCode(...bytes.subarray(at, at + BASE64_PIECE_BYTES))));
  }
  return pieces.join('');
}

function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
