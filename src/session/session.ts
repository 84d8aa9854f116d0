/**
 * The one loop behind running, recording and replaying: a virtual machine, an input source and an observer. It adds what a run has
 * besides its guest: limits, digests of the whole state at intervals, and an end.
 *
 * A host runs it in slices so that it can show progress and look for input. Slices have no effect on the run.
 */
import { assert } from '../assert.ts';
import type { CostProfile } from '../hypervisor/costs.ts';
import { Vm } from '../hypervisor/vm.ts';
import { type Machine, type MachineConfig, MISS_KINDS, type MissKind } from '../machine/machine-types.ts';
import type { Stateful } from '../machine/state-sink.ts';
import { CanonicalWriter } from './canonical.ts';
import type { RunConfig, RunImages } from './config.ts';
import type { ConsoleSink, InputSource, Observer, Position, RunCounters, RunEnd, StateDigest } from './ports.ts';

const NO_COUNTS: RunCounters = {
  ...(Object.fromEntries(MISS_KINDS.map((kind) => [kind, 0])) as Record<MissKind, number>),
  walkReferences: 0,
  userFirstUses: 0,
  kernelFirstUses: 0,
};

export interface SessionPorts {
  readonly input: InputSource;
  readonly observer: Observer;
  readonly console: ConsoleSink;
}

/**
 * How a slice ended. `sliced`: its cycles are used up. `needs-input`: every hart waits for input that has not come: run the next slice
 * when there is some, or when it has ended. `polls-input`: the guest only polls for it: run the next slice then, or after a moment,
 * because polling also passes its time. `ended`: see {@link Session.end}.
 */
export type SliceResult = 'sliced' | 'needs-input' | 'polls-input' | 'ended';

export class Session {
  readonly vm: Vm;
  readonly #config: RunConfig;
  readonly #observer: Observer;
  readonly #hartsWriter = new CanonicalWriter();
  readonly #devicesWriter = new CanonicalWriter();
  readonly #harts: Stateful;
  #nextDigestCycle: number;
  #end: RunEnd | undefined;

  /**
   * Builds the machine and loads the guest; nothing has run yet.
   * @param createMachine the machine of a configuration
   * @param costs what exits cost, where it is not the profile of the package that `config` names
   * @throws ParatraceError for a configuration or an image that cannot work.
   */
  constructor(
    config: RunConfig,
    images: RunImages,
    ports: SessionPorts,
    createMachine: (config: MachineConfig) => Machine,
    costs?: CostProfile,
  ) {
    assert(config.digestIntervalCycles >= 1, 'a digest interval of at least one cycle');
    this.#config = config;
    this.#observer = ports.observer;
    this.#nextDigestCycle = config.digestIntervalCycles;
    this.vm = new Vm({ config, images, ports, createMachine, ...(costs !== undefined && { costs }) });
    const { harts } = this.vm.machine;
    this.#harts = {
      writeState: (sink) => {
        sink.beginList('harts');
        for (const hart of harts) sink.state(undefined, hart);
        sink.end();
      },
    };
  }

  get position(): Position {
    return this.vm.position;
  }

  /** How the run ended; undefined while it goes on. */
  get end(): RunEnd | undefined {
    return this.#end;
  }

  /** Goes on until the guest ends, waits for input, or at least `maxCycles` more cycles have passed. */
  run(maxCycles: number): SliceResult {
    const limit = this.#config.maxCycles === 0 ? Number.POSITIVE_INFINITY : this.#config.maxCycles;
    const sliceEnd = this.position.cycle + maxCycles;
    for (;;) {
      if (this.#end) return 'ended';
      const { cycle } = this.position;
      if (cycle >= this.#nextDigestCycle) this.#takeDigest();
      if (cycle >= limit) {
        this.#finish({ reason: 'max-cycles', status: 1, message: `the run reached the limit of ${limit} cycles` });
        continue;
      }
      if (cycle >= sliceEnd) return 'sliced';
      const stop = this.vm.run(Math.min(sliceEnd, this.#nextDigestCycle, limit), limit);
      if (stop === 'needs-input' || stop === 'polls-input') return stop;
      if (stop === 'ended') this.#finish();
    }
  }

  /** Ends the run from outside, at the present position. Nothing if it has ended. */
  interrupt(): RunEnd {
    return this.#end ?? this.#finish({ reason: 'interrupted', status: 1, message: 'the run was interrupted' });
  }

  /** The digest of the whole state here. */
  digest(): StateDigest {
    const { machine } = this.vm;
    const { cycle, icount } = this.position;
    return {
      cycle,
      icount,
      memory: machine.memoryDigest(),
      harts: machine.hash(this.#hartsWriter.bytes(this.#harts)),
      devices: machine.hash(this.#devicesWriter.bytes(this.vm)),
    };
  }

  /** What has been counted up to here. */
  counters(): RunCounters {
    const { machine } = this.vm;
    const totals = { ...NO_COUNTS };
    for (const { id } of machine.harts) {
      const { missesByKind, walkReferences, userFirstUses, kernelFirstUses } = machine.counters(id);
      for (const kind of MISS_KINDS) totals[kind] += missesByKind[kind];
      totals.walkReferences += walkReferences;
      totals.userFirstUses += userFirstUses;
      totals.kernelFirstUses += kernelFirstUses;
    }
    return totals;
  }

  #takeDigest(): void {
    const interval = this.#config.digestIntervalCycles;
    const digest = this.digest();
    this.#nextDigestCycle = (Math.floor(digest.cycle / interval) + 1) * interval;
    this.#observer.digest(digest, this.counters());
  }

  /** @param otherwise the reason if the guest has not ended by itself. */
  #finish(otherwise?: Omit<RunEnd, keyof Position>): RunEnd {
    const end = this.vm.finish(otherwise);
    this.#end = end;
    this.#observer.digest(this.digest(), this.counters());
    this.#observer.end(end);
    return end;
  }
}
