/** Bytes of the host, such as the state of devices, hashed by the engine's generated code: they pass through a window of linear memory. */
import { assert } from '../assert.ts';
import type { Engine } from './engine/engine.ts';
import { BLOCK_BYTES } from './engine/hash.ts';
import { HASH } from './engine/layout.ts';

const LENGTH_MAX = 2 ** 32 - 1;

export class StateHash {
  readonly #call: Engine['call'];
  readonly #window: Uint8Array;

  constructor({ call, memory }: Engine) {
    this.#call = call;
    this.#window = new Uint8Array(memory.buffer, HASH.window, HASH.windowBytes);
  }

  /** XXH64 with seed 0, unsigned, of less than 4 GiB. */
  of(bytes: Uint8Array): bigint {
    const { length } = bytes;
    assert(length <= LENGTH_MAX, 'the engine counts what it hashes in 32 bits');
    const tailBytes = length % BLOCK_BYTES;
    const blocksEnd = length - tailBytes;
    for (let at = 0; at < blocksEnd; at += HASH.windowBytes) {
      const sizeBytes = Math.min(HASH.windowBytes, blocksEnd - at);
      this.#window.set(bytes.subarray(at, at + sizeBytes));
      this.#call.hashBlocks(sizeBytes, at === 0 ? 1 : 0);
    }
    if (tailBytes > 0) this.#window.set(bytes.subarray(blocksEnd));
    return BigInt.asUintN(64, this.#call.hashEnd(tailBytes, length));
  }
}
