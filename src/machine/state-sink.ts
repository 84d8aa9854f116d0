/**
 * How state is handed over: field by field, in a fixed order, to a sink that makes of it what is needed: bytes for digests, plain data for
 * whoever compares or prints. So a state has one definition, and nothing is made of it that nobody reads.
 */
import { assert, must } from '../assert.ts';
import type { PlainState, PlainValue } from './bus.ts';

/** Something with state. */
export interface Stateful {
  /** Hands over all fields: always the same for the same state, each key once. */
  writeState(sink: StateSink): void;
}

/** Takes a state. A key is that of the field; undefined in a list. */
export interface StateSink {
  /** Plain data, which is not kept. */
  value(key: string | undefined, value: PlainValue): void;
  /** Plain data that nobody changes any more, neither itself nor what is in it: the same object will be taken for the same state. */
  constant(key: string | undefined, value: PlainState): void;
  /** A bigint of 64 bits by its halves, signed or not. */
  word(key: string | undefined, low: number, high: number): void;
  /** A list of such, of `count` little-endian words from `offset`. */
  words(key: string | undefined, view: DataView, offset: number, count: number): void;
  state(key: string | undefined, part: Stateful): void;
  /** A state whose fields follow, up to `end`. */
  begin(key: string | undefined): void;
  /** A list whose items follow, up to `end`. */
  beginList(key: string | undefined): void;
  end(): void;
}

/** The state of something as plain data: a copy. */
export function plainStateOf(of: Stateful): PlainState {
  const sink = new PlainSink();
  of.writeState(sink);
  return sink.result;
}

/** Hands over the fields of plain data as those of the state that is being written. */
export function writeFields(sink: StateSink, state: PlainState): void {
  // Plain objects inherit nothing that can be enumerated.
  for (const key in state) sink.value(key, state[key] as PlainValue);
}

/** Hands over a list of numbers that is no plain one. */
export function writeNumbers(sink: StateSink, key: string | undefined, values: Uint32Array): void {
  sink.beginList(key);
  for (let index = 0; index < values.length; index++) sink.value(undefined, values[index] as number);
  sink.end();
}

/** The entries of a map by ascending key, for states that do not depend on the order of insertion. */
export function ascending<Value>(map: ReadonlyMap<number, Value>): Iterable<readonly [key: number, value: Value]> {
  let last = Number.NEGATIVE_INFINITY;
  for (const key of map.keys()) {
    if (key < last) return [...map].sort(([a], [b]) => a - b);
    last = key;
  }
  return map;
}

type Container = Record<string, PlainValue> | PlainValue[];

class PlainSink implements StateSink {
  readonly #open: Container[] = [{}];

  get result(): PlainState {
    const [root] = this.#open;
    assert(this.#open.length === 1 && root !== undefined && !Array.isArray(root), 'what was begun has ended');
    return root;
  }

  value(key: string | undefined, value: PlainValue): void {
    this.#add(key, copyOf(value));
  }

  constant(key: string | undefined, value: PlainState): void {
    this.value(key, value);
  }

  word(key: string | undefined, low: number, high: number): void {
    this.#add(key, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
  }

  words(key: string | undefined, view: DataView, offset: number, count: number): void {
    this.#add(
      key,
      Array.from({ length: count }, (_, index) => view.getBigUint64(offset + 8 * index, true)),
    );
  }

  state(key: string | undefined, part: Stateful): void {
    this.#add(key, plainStateOf(part));
  }

  begin(key: string | undefined): void {
    this.#begin(key, {});
  }

  beginList(key: string | undefined): void {
    this.#begin(key, []);
  }

  end(): void {
    assert(this.#open.length > 1, 'what ends has begun');
    this.#open.pop();
  }

  #begin(key: string | undefined, container: Container): void {
    this.#add(key, container);
    this.#open.push(container);
  }

  #add(key: string | undefined, value: PlainValue): void {
    const container = must(this.#open.at(-1), 'something that has begun');
    if (Array.isArray(container)) {
      assert(key === undefined, 'items have no key');
      container.push(value);
    } else {
      assert(key !== undefined && !Object.hasOwn(container, key), `field ${key} comes once`);
      container[key] = value;
    }
  }
}

function copyOf(value: PlainValue): PlainValue {
  if (typeof value !== 'object') return value;
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map(copyOf);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOf(item)]));
}
