/** What a run is unless it is asked to be otherwise. The command line, its help and the library share these values. */
import { DEFAULT_COST_PROFILE } from '../hypervisor/costs.ts';
import type { RunConfig } from './config.ts';

/** Everything in a {@link RunConfig} but its images. */
export type RunSettings = Omit<RunConfig, 'guest' | 'initrd' | 'drives' | 'net'>;

export const RUN_DEFAULTS: RunSettings = {
  mode: 'pvh',
  costs: DEFAULT_COST_PROFILE,
  core: 'rocket',
  hartCount: 1,
  memoryBytes: 128 * 2 ** 20,
  append: '',
  entry: 's',
  seed: '1',
  quantumCycles: 100_000,
  digestIntervalCycles: 100_000_000,
  maxCycles: 0,
  // 2026-01-01T00:00:00Z: fixed, because the host's date would make two recordings differ.
  rtcEpochSeconds: 1_767_225_600,
  misaligned: 'hardware',
  adUpdate: 'hardware',
};

/** Latency of the network's peer in cycles. Rule: a round trip to a host on the same network, 20 microseconds at 1 GHz. */
export const NET_LATENCY_DEFAULT = 20_000;
