/** The checksum of a trace, by the host where that is faster. */
import { crc32 } from '../../crc32.ts';

/** From here on it pays to load what the host has. */
const NATIVE_BYTES_MIN = 65_536;

/** CRC-32 of `bytes` as an unsigned number. */
export function hostCrc32(bytes: Uint8Array): number {
  const zlib = bytes.length < NATIVE_BYTES_MIN ? undefined : process.getBuiltinModule('node:zlib');
  return zlib === undefined ? crc32(bytes) : zlib.crc32(bytes);
}
