/**
 * The virtio console (virtio 1.2 section 5.3): port 0 with its receive and transmit queue, and the emergency write.
 *
 * Input comes in two ways. When the driver has posted receive buffers the device asks for input at once (`pull`): the place
 * follows from the guest alone. Whatever comes by itself is handed in with `receive`, as long as `receiverRoom` says there is
 * room: the device has no buffer of its own, so nothing is ever dropped here.
 * Left out: multiple ports, the console size.
 */

import { assert } from '../../assert.ts';
import { violation } from '../rings/descriptor-chain.ts';
import type { DescriptorChain } from '../rings/ring-model.ts';
import { visitPieces, writeSegments } from '../rings/segments.ts';
import { type Admission, type BackendOptions, VirtioBackend } from './virtio-backend.ts';

/** Feature bit numbers (section 5.3.3). */
export const VIRTIO_CONSOLE_F = { EMERG_WRITE: 2 } as const;
/** Queue indexes (section 5.3.2). */
export const CONSOLE_QUEUE = { receive: 0, transmit: 1 } as const;

const QUEUE_SIZE_MAX = 128;
/** Offset of `emerg_wr` in the configuration space (section 5.3.4). */
const CONFIG_EMERG_WR = 8;

/** Where the guest's output goes. */
export interface ConsoleOut {
  /** The bytes are the callee's to keep. */
  write(bytes: Uint8Array): void;
}

export interface ConsoleOptions extends BackendOptions {
  readonly out: ConsoleOut;
  /** Up to `maxBytes` (at least 1) of input that is there now; undefined if none. */
  readonly pull: (maxBytes: number) => Uint8Array | undefined;
}

/** `bytes`: what the chain is to be filled with; empty for output. */
type ConsoleRequest = { readonly bytes: Uint8Array };

export class ConsoleBackend extends VirtioBackend<ConsoleRequest> {
  readonly deviceId = 3;
  readonly #out: ConsoleOut;
  readonly #pull: (maxBytes: number) => Uint8Array | undefined;

  constructor(options: ConsoleOptions) {
    super(options, [VIRTIO_CONSOLE_F.EMERG_WRITE], [QUEUE_SIZE_MAX, QUEUE_SIZE_MAX]);
    this.#out = options.out;
    this.#pull = options.pull;
  }

  /** Bytes of input that the driver's buffers can take now. */
  get receiverRoom(): number {
    return this.heldWritableBytes(CONSOLE_QUEUE.receive);
  }

  /** Hands input to the driver's buffers; returns how many bytes were taken: all, up to `receiverRoom`. */
  receive(bytes: Uint8Array): number {
    const total = Math.min(bytes.length, this.receiverRoom);
    let given = 0;
    while (given < total) {
      const chain = this.firstHeld(CONSOLE_QUEUE.receive);
      assert(chain !== undefined, 'room is in held chains');
      const part = bytes.slice(given, Math.min(total, given + chain.writableBytes));
      this.startHeld(CONSOLE_QUEUE.receive, this.#cycles(part.length), { bytes: part });
      given += part.length;
    }
    return total;
  }

  /** Rows, columns and ports are not offered; `emerg_wr` is write-only. */
  readConfig(): number {
    return 0;
  }

  /** Section 5.3.5.1: works at any time, whatever state the device is in. */
  override writeConfig(offset: number, _size: 1 | 2 | 4, value: number): void {
    if (offset === CONFIG_EMERG_WR) this.#out.write(Uint8Array.of(value & 0xff));
  }

  protected admit(queue: number, chain: DescriptorChain): Admission<ConsoleRequest> {
    // Section 5.3.6.1: no readable buffer in a receive queue, no writable one in a transmit queue.
    const wrong = queue === CONSOLE_QUEUE.receive ? chain.readable : chain.writable;
    if (wrong.length > 0) return { kind: 'violation', violation: violation('wrong-direction', chain.head) };
    if (queue === CONSOLE_QUEUE.receive) return { kind: 'hold' };
    return { kind: 'serve', cycles: this.#cycles(chain.readableBytes), request: { bytes: new Uint8Array() } };
  }

  protected perform(queue: number, chain: DescriptorChain, { bytes }: ConsoleRequest): number {
    if (queue === CONSOLE_QUEUE.receive) return writeSegments(this.memory, chain.writable, 0, bytes);
    visitPieces(chain.readable, 0, chain.readableBytes, (pa, pieceBytes) => {
      this.#out.write(this.memory.readBytes(pa, pieceBytes));
    });
    return 0;
  }

  protected override onHeld(): void {
    const room = this.receiverRoom;
    const bytes = room === 0 ? undefined : this.#pull(room);
    if (bytes === undefined || bytes.length === 0) return;
    assert(this.receive(bytes) === bytes.length, 'the input source keeps to the room it is told');
  }

  protected writeOwnState(): void {
    // It has none.
  }

  #cycles(lengthBytes: number): number {
    return this.timing.console.latencyCycles + this.timing.console.perByteCycles * lengthBytes;
  }
}
