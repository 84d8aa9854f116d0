/** The checksum of a trace, by the host where that is faster. */
import { crc32 } from '../../crc32.ts';

/** From here on it pays to load what the host has: half a millisecond and more, in which code that V8 has not compiled yet sums up as much. */
const NATIVE_BYTES_MIN = 16_384;

/** CRC-32 of `bytes` as an unsigned number. */
export function hostCrc32(bytes: Uint8Array): number {
  const zlib = bytes.length < NATIVE_BYTES_MIN ? undefined : process.getBuiltinModule('node:zlib');
  return zlib === undefined ? crc32(bytes) : zlib.crc32(bytes);
}
