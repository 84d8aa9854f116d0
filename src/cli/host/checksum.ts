/** The checksum of a trace, by the host where that is faster. */
import { crc32 } from '../../crc32.ts';

/** From here on it pays to load what the host has: 1.4 ms, in which what V8 has not compiled yet sums up 6 KB. */
const NATIVE_BYTES_MIN = 8192;

/** CRC-32 of `bytes` as an unsigned number. */
export function hostCrc32(bytes: Uint8Array): number {
  const zlib = bytes.length < NATIVE_BYTES_MIN ? undefined : process.getBuiltinModule('node:zlib');
  return zlib === undefined ? crc32(bytes) : zlib.crc32(bytes);
}
