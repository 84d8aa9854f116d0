/**
 * Where the bytes of a trace are read from: memory, or a file of the host, so that a trace need not lie in memory as a whole.
 * A reader asks for a chunk at a time.
 */
import { assert } from '../assert.ts';

export interface ByteSource {
  readonly sizeBytes: number;
  /**
   * `lengthBytes` bytes from `offset` on, which lie inside the source. They stay as they are; the caller changes none of them.
   */
  read(offset: number, lengthBytes: number): Uint8Array;
}

/** Bytes in memory as a source. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    read: (offset, lengthBytes) => {
      assert(offset >= 0 && offset + lengthBytes <= bytes.length, 'a read inside the source');
      return bytes.subarray(offset, offset + lengthBytes);
    },
  };
}
