/**
 * What each hart did when: guest code, hypervisor (the exits), idle, waiting for its turn, stopped. All harts share one processor
 * in turns, so there is one more lane, the processor, whose states are those of whichever hart has it.
 */
import { type EventTable, isPricedKind } from './event-table.ts';
import { type HartState, type StateLane, StateLaneBuilder } from './state-lane.ts';

export interface HartLanes {
  readonly harts: readonly StateLane[];
  readonly processor: StateLane;
}

/** State of the hart state management in which a hart can run. */
const STARTED = 'started';

/** A hart apart from its exits. */
interface Runnable {
  started: boolean;
  idle: boolean;
}

/** Follows the events of a run and writes the state lanes. */
export function buildHartLanes(table: EventTable): HartLanes {
  const { hartCount, cycles } = table.model.facts;
  const walk = new HartWalk(hartCount, bootHarts(table, hartCount), table.hart[0] ?? 0);
  const priced = Uint8Array.from(table.model.categories, ({ kind }) => Number(isPricedKind(kind)));
  // Raising a wire can be on behalf of a hart that does not have the processor; the other exits come from the guest itself.
  const runs = Uint8Array.from(table.model.categories, ({ kind }) => Number(kind !== 'inject'));
  const cost = table.cost;
  const turns = turnReader(table);
  for (let i = 0; i < table.count; i += 1) {
    const category = table.category[i] ?? 0;
    const hart = table.hart[i] ?? 0;
    const cycle = table.cycle[i] ?? 0;
    if (priced[category] === 1) walk.exit(cycle, hart, cost[i] ?? 0, i, runs[category] === 1);
    else if (turns.relevant[category] === 1) turns.apply(walk, i, cycle, hart);
  }
  return walk.finish(cycles);
}

/** The events that change a hart's state apart from exits, and what they do. */
function turnReader(table: EventTable) {
  const relevant = Uint8Array.from(table.model.categories, ({ kind }) =>
    Number(kind === 'idle' || kind === 'wake' || kind === 'turn' || kind === 'hartState'),
  );
  const apply = (walk: HartWalk, i: number, cycle: number, hart: number): void => {
    const kind = table.kindOf(i);
    if (kind === 'idle') walk.idle(cycle, hart, true);
    else if (kind === 'wake') walk.idle(cycle, hart, false);
    else if (kind === 'turn') walk.turn(cycle, hart);
    else {
      const row = table.row[i] ?? 0;
      const state = table.name(table.numbers('hartState', 'state')[row] ?? 0);
      walk.started(cycle, table.numbers('hartState', 'target')[row] ?? 0, state === STARTED);
    }
  };
  return { relevant, apply };
}

/** Harts that run from reset: those that do something before an event says that they were started. */
function bootHarts(table: EventTable, hartCount: number): boolean[] {
  const decided = new Array<boolean | undefined>(hartCount).fill(undefined);
  const kinds = table.model.categories.map(({ kind }) => kind);
  let open = hartCount;
  const decide = (hart: number, boots: boolean): void => {
    if (hart >= hartCount || decided[hart] !== undefined) return;
    decided[hart] = boots;
    open -= 1;
  };
  for (let i = 0; i < table.count && open > 0; i += 1) {
    const kind = kinds[table.category[i] ?? 0];
    if (kind === 'hartState') {
      const row = table.row[i] ?? 0;
      const state = table.name(table.numbers('hartState', 'state')[row] ?? 0);
      decide(table.numbers('hartState', 'target')[row] ?? 0, state !== STARTED);
    }
    // A hart is told that it has started when it has got its first turn.
    if (kind !== 'turn') decide(table.hart[i] ?? 0, true);
  }
  return decided.map((boots) => boots ?? hartCount === 1);
}

class HartWalk {
  readonly #harts: Runnable[];
  readonly #lanes: StateLaneBuilder[];
  readonly #processor = new StateLaneBuilder();
  #current: number;
  #busyUntil = 0;

  constructor(hartCount: number, boots: readonly boolean[], first: number) {
    this.#harts = boots.map((started) => ({ started, idle: false }));
    this.#lanes = boots.map(() => new StateLaneBuilder());
    this.#current = Math.min(first, hartCount - 1);
    for (let hart = 0; hart < hartCount; hart += 1) this.#refresh(0, hart);
    this.#refreshProcessor(0);
  }

  exit(cycle: number, hart: number, cost: number, event: number, fromGuest: boolean): void {
    if (fromGuest && hart !== this.#current) this.turn(cycle, hart);
    // An exit that is served can raise wires: they are stamped within it, and what they cost comes on top.
    const start = Math.max(cycle, this.#busyUntil);
    this.#busyUntil = start + cost;
    this.#lanes[hart]?.set(start, 'hypervisor', event);
    this.#processor.set(start, 'hypervisor', event);
    this.#refresh(this.#busyUntil, hart);
    this.#refreshProcessor(this.#busyUntil);
  }

  idle(cycle: number, hart: number, idle: boolean): void {
    const state = this.#harts[hart];
    if (state === undefined) return;
    state.idle = idle;
    this.#refresh(cycle, hart);
    this.#refreshProcessor(cycle);
  }

  turn(cycle: number, hart: number): void {
    const before = this.#current;
    this.#current = hart;
    this.#refresh(cycle, before);
    this.#refresh(cycle, hart);
    this.#refreshProcessor(cycle);
  }

  started(cycle: number, target: number, started: boolean): void {
    const state = this.#harts[target];
    if (state === undefined) return;
    state.started = started;
    if (started) state.idle = false;
    this.#refresh(cycle, target);
    this.#refreshProcessor(cycle);
  }

  finish(cycles: number): HartLanes {
    return { harts: this.#lanes.map((lane) => lane.build(cycles)), processor: this.#processor.build(cycles) };
  }

  #stateOf(hart: number): HartState {
    const state = this.#harts[hart];
    if (state === undefined || !state.started) return 'stopped';
    if (state.idle) return 'idle';
    return hart === this.#current ? 'guest' : 'waiting';
  }

  #refresh(cycle: number, hart: number): void {
    this.#lanes[hart]?.set(cycle, this.#stateOf(hart), -1);
  }

  #refreshProcessor(cycle: number): void {
    this.#processor.set(cycle, this.#stateOf(this.#current) === 'guest' ? 'guest' : 'idle', -1);
  }
}
