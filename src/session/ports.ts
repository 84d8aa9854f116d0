/**
 * The two ports of the run loop. Running, recording and replaying are one loop that differs in what is plugged in here: inputs
 * come from the live host, a script or a trace; the observer is nothing, a recorder or a checker.
 */
import type { EventTaker } from '../hypervisor/event-row.ts';
import type { InputRecord, Position, RunEnd } from '../hypervisor/vm-ports.ts';
import type { MissKind } from '../machine/machine-types.ts';

export {
  type ConsoleSink,
  type ConsoleStream,
  END_REASONS,
  type EndReason,
  INPUT_PORTS,
  type InputPort,
  type InputRecord,
  type InputSource,
  type Position,
  type RecordPort,
  type RunEnd,
} from '../hypervisor/vm-ports.ts';

/** Digest of the whole machine state at a place, by part, so that a difference can be narrowed down. Each is 64 bits. */
export interface StateDigest extends Position {
  readonly memory: bigint;
  readonly harts: bigint;
  readonly devices: bigint;
}

/**
 * What the harts together have counted since reset: safe integers. A miss is one of the modelled TLB; a first use is a walk that found an entry
 * of a page table for the first time since it was written, which is counted for paravirtual guests only.
 */
export interface RunCounters extends Readonly<Record<MissKind, number>> {
  readonly walkReferences: number;
  readonly userFirstUses: number;
  readonly kernelFirstUses: number;
}

/**
 * What a run is told to. All calls come in order of position. A checker stops the run by throwing. One that takes events as rows, by
 * `eventRow`, is given no objects.
 */
export interface Observer extends EventTaker {
  input(input: InputRecord): void;
  /** @param counters as of the same place. They are part of the digest of the harts. */
  digest(digest: StateDigest, counters?: RunCounters): void;
  /** The last call of a run. */
  end(end: RunEnd): void;
}
