/**
 * The virtio entropy device (virtio 1.2 section 5.4): random bytes from a generator that the run is configured with, so that the
 * same seed gives the same bytes in the same order.
 */

import { assert } from '../../assert.ts';
import type { StateSink } from '../../machine/state-sink.ts';
import { violation } from '../rings/descriptor-chain.ts';
import type { DescriptorChain } from '../rings/ring-model.ts';
import { writeSegments } from '../rings/segments.ts';
import { type Admission, type BackendOptions, VirtioBackend } from './virtio-backend.ts';

const QUEUE_SIZE_MAX = 64;
/** Most bytes of one request: the device may fill less than the buffer (section 5.4.6.2), so the guest sets no host's work. */
const REQUEST_BYTES_MAX = 4096;

/** The next `lengthBytes` bytes of the run's generator. */
export type RandomBytes = (lengthBytes: number) => Uint8Array;

export interface EntropyOptions extends BackendOptions {
  readonly randomBytes: RandomBytes;
}

type EntropyRequest = { readonly lengthBytes: number };

export class EntropyBackend extends VirtioBackend<EntropyRequest> {
  readonly deviceId = 4;
  readonly #randomBytes: RandomBytes;
  /** Place in the generator's stream: with the seed, its whole state. */
  #drawnBytes = 0;

  constructor(options: EntropyOptions) {
    super(options, [], [QUEUE_SIZE_MAX]);
    this.#randomBytes = options.randomBytes;
  }

  /** There is no configuration space (section 5.4.4). */
  readConfig(): number {
    return 0;
  }

  protected admit(_queue: number, chain: DescriptorChain): Admission<EntropyRequest> {
    // Section 5.4.6.1.
    if (chain.readable.length > 0) return { kind: 'violation', violation: violation('wrong-direction', chain.head) };
    const lengthBytes = Math.min(chain.writableBytes, REQUEST_BYTES_MAX);
    const { latencyCycles, perByteCycles } = this.timing.entropy;
    return { kind: 'serve', cycles: latencyCycles + perByteCycles * lengthBytes, request: { lengthBytes } };
  }

  protected perform(_queue: number, chain: DescriptorChain, { lengthBytes }: EntropyRequest): number {
    const bytes = this.#randomBytes(lengthBytes);
    assert(bytes.length === lengthBytes, 'the generator gives as many bytes as it is asked for');
    this.#drawnBytes += lengthBytes;
    return writeSegments(this.memory, chain.writable, 0, bytes);
  }

  protected writeOwnState(sink: StateSink): void {
    sink.value('drawnBytes', this.#drawnBytes);
  }
}
