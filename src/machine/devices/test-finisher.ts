/**
 * The SiFive test finisher: one register whose write ends the run. Bare-metal tests write it directly; kernels reach it as a
 * `syscon` (`poweroff` and `reboot` nodes of the device tree).
 */

import type { MmioDevice } from '../bus.ts';
import { MEMORY_MAP } from '../platform/memory-map.ts';

/** Values of the low half of a write to the register, as QEMU's `sifive_test` decodes them. */
export const FINISHER = { fail: 0x3333, pass: 0x5555, reset: 0x7777 } as const;

/** How the guest wants the run to end. `code` is the upper half of what it wrote: its status, 0 to 65535. */
export interface FinishRequest {
  readonly kind: keyof typeof FINISHER;
  readonly code: number;
}

const KIND_OF_VALUE = new Map<number, FinishRequest['kind']>([
  [FINISHER.fail, 'fail'],
  [FINISHER.pass, 'pass'],
  [FINISHER.reset, 'reset'],
]);

export class TestFinisher implements MmioDevice {
  readonly name = 'finisher';
  readonly base = MEMORY_MAP.finisher.base;
  readonly sizeBytes = MEMORY_MAP.finisher.sizeBytes;
  readonly #onFinish: (request: FinishRequest) => void;

  /** @param onFinish called at each write of a known value, before the writing instruction retires. */
  constructor(onFinish: (request: FinishRequest) => void) {
    this.#onFinish = onFinish;
  }

  read(): number {
    return 0;
  }

  /** Two- and four-byte writes are decoded, as on QEMU's board; a two-byte one has code 0. */
  write(offset: number, size: 1 | 2 | 4, value: number): void {
    if (offset !== 0 || size === 1) return;
    const kind = KIND_OF_VALUE.get(value & 0xffff);
    if (kind !== undefined) this.#onFinish({ kind, code: value >>> 16 });
  }

  registerName(offset: number): string | undefined {
    return offset < 4 ? 'FINISH' : undefined;
  }

  /** None: a write acts at once and leaves nothing behind. */
  writeState(): void {
    // It has none.
  }
}
