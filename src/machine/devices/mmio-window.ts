/** Registers that do not know where they lie, at a fixed place in guest physical space. */

import type { MmioDevice } from '../bus.ts';
import type { MemoryRange } from '../platform/memory-map.ts';
import type { StateSink } from '../state-sink.ts';

/** What a bus needs of a device: offsets are from the start of its window. See {@link MmioDevice}. */
export type RegisterFace = Pick<MmioDevice, 'read' | 'write' | 'registerName' | 'writeState'>;

export class MmioWindow implements MmioDevice {
  readonly name: string;
  readonly base: number;
  readonly sizeBytes: number;
  readonly #face: RegisterFace;

  constructor(name: string, { base, sizeBytes }: MemoryRange, face: RegisterFace) {
    this.name = name;
    this.base = base;
    this.sizeBytes = sizeBytes;
    this.#face = face;
  }

  read(offset: number, size: 1 | 2 | 4): number {
    return this.#face.read(offset, size);
  }

  write(offset: number, size: 1 | 2 | 4, value: number): void {
    this.#face.write(offset, size, value);
  }

  registerName(offset: number): string | undefined {
    return this.#face.registerName(offset);
  }

  writeState(sink: StateSink): void {
    this.#face.writeState(sink);
  }
}
