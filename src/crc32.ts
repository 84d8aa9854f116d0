/**
 * CRC-32 (the reflected polynomial 0xEDB88320 of zlib and PNG). It finds every error burst of up to 32 bits for certain, so any
 * single altered byte; four bytes are looked up at a time.
 */

const POLYNOMIAL = 0xedb88320;
const TABLES = buildTables();

/** The CRC-32 of bytes, as an unsigned number. */
export type Crc32 = (bytes: Uint8Array) => number;

/** CRC-32 of `bytes[start, end)` as an unsigned number. `seed` is the result for what came before; 0 at the start. */
export function crc32(bytes: Uint8Array, seed = 0, start = 0, end = bytes.length): number {
  const tables = TABLES;
  let crc = ~seed;
  let at = start;
  for (const wordsEnd = end - 3; at < wordsEnd; at += 4) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    crc =
      (tables[768 + (crc & 255)] as number) ^
      (tables[512 + ((crc >>> 8) & 255)] as number) ^
      (tables[256 + ((crc >>> 16) & 255)] as number) ^
      (tables[crc >>> 24] as number);
  }
  for (; at < end; at += 1) crc = (tables[(crc ^ (bytes[at] as number)) & 255] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Table `k` at `256 * k`: the CRC of a byte followed by `k` zero bytes. */
function buildTables(): Int32Array {
  const tables = new Int32Array(4 * 256);
  for (let index = 0; index < 256; index += 1) {
    let crc = index;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    tables[index] = crc;
  }
  for (let index = 256; index < tables.length; index += 1) {
    const before = tables[index - 256] ?? 0;
    tables[index] = (before >>> 8) ^ (tables[before & 255] ?? 0);
  }
  return tables;
}
