/**
 * The line between a virtio transport (registers, negotiation, interrupts: `virtio-mmio.ts`) and the device behind it (queues and
 * what they carry). Sections are those of virtio 1.2.
 */
import type { Stateful } from '../state-sink.ts';

/** Bit numbers of the device-independent features that this project knows (section 6). */
export const VIRTIO_F = { RING_INDIRECT_DESC: 28, RING_EVENT_IDX: 29, VERSION_1: 32 } as const;

/** What the driver wrote for one queue. Nothing in it has been validated: addresses are any 64-bit value. */
export interface VirtioQueueSetup {
  readonly index: number;
  /** Number of elements the device offers at most. */
  readonly sizeMax: number;
  readonly size: number;
  /** Descriptor area, driver area, device area. */
  readonly desc: bigint;
  readonly driver: bigint;
  readonly device: bigint;
}

/** What a device may do to its transport. */
export interface VirtioTransport {
  /** Feature bits that driver and device agreed on; 0n until FEATURES_OK. */
  readonly negotiated: bigint;
  /** Sends a used buffer notification (section 2.3). */
  notifyUsed(): void;
  /**
   * The device met an error that only a reset clears (section 2.1.2). The driver is told by a configuration change
   * notification if it has set DRIVER_OK.
   */
  needsReset(): void;
}

/**
 * A virtio device behind a transport. Calls come in this order: `connect` once, then per reset cycle `onQueueEnabled`,
 * `onNotify` of enabled queues, `onQueueDisabled`, `onReset`.
 */
export interface VirtioDevice extends Stateful {
  /** Device type (section 5), never 0. */
  readonly deviceId: number;
  /** Feature bits offered. Must contain VERSION_1. */
  readonly features: bigint;
  /** Largest size of each queue, by queue index: powers of two up to 32768. */
  readonly queueSizesMax: readonly number[];
  connect(transport: VirtioTransport): void;
  /** Reads the configuration space: unsigned; bytes past its end read 0. `offset` is not aligned by anyone. */
  readConfig(offset: number, size: 1 | 2 | 4): number;
  writeConfig(offset: number, size: 1 | 2 | 4, value: number): void;
  /**
   * The queue is live: it is ready and so is the driver (no queue may be touched before, section 3.1.2). To be validated by the
   * device, which then looks for waiting chains.
   */
  onQueueEnabled(setup: VirtioQueueSetup): void;
  /** The driver took the queue back. Nothing of it may be touched from now on. */
  onQueueDisabled(queue: number): void;
  /** The driver notified a live queue. Notifications may be spurious (section 2.7.10.2). */
  onNotify(queue: number): void;
  onReset(): void;
}

/** Reads `size` bytes of a configuration space held as bytes, little-endian; bytes past its end are 0. */
export function readConfigBytes(config: Uint8Array, offset: number, size: 1 | 2 | 4): number {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) value = value * 256 + (config[offset + i] ?? 0);
  return value;
}
