/** Runs of arbitrary events, inputs and digests, and traces of them. */
import fc from 'fast-check';
import { EVENT_KINDS, type EventKind, type FieldType, type VmEvent } from '../../src/hypervisor/events.ts';
import type { RunConfig } from '../../src/session/config.ts';
import {
  END_REASONS,
  INPUT_PORTS,
  type InputRecord,
  type Observer,
  type RunCounters,
  type RunEnd,
  type StateDigest,
} from '../../src/session/ports.ts';
import type { EmbeddedImage } from '../../src/trace/images.ts';
import type { TraceHeader } from '../../src/trace/schema.ts';
import { TraceWriter } from '../../src/trace/writer.ts';

/** Values at which codecs break. */
const EDGES = [0n, 1n, 127n, 128n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n];
const EDGES_64 = [...EDGES, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];
const EDGES_SIGNED = [...EDGES, ...EDGES.map((edge) => -edge), -(2n ** 63n), 2n ** 63n - 1n];

export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export const CONFIG: RunConfig = {
  mode: 'pvh',
  costs: 'rocket-kvm-2023',
  core: 'rocket',
  hartCount: 2,
  memoryBytes: 3 * 2 ** 30,
  append: 'console=ttyS0 \u00e9',
  entry: 's',
  seed: 'seed',
  quantumCycles: 100_000,
  digestIntervalCycles: 2 ** 31,
  maxCycles: 2 ** 53 - 1,
  rtcEpochSeconds: 2 ** 32,
  misaligned: 'hardware',
  adUpdate: 'fault',
  net: { latencyCycles: 20_000 },
  guest: { name: 'guest.elf', sizeBytes: 0, sha256: EMPTY_SHA256 },
  initrd: undefined,
  drives: [{ name: 'disk.img', sizeBytes: 2 ** 40, sha256: 'ab'.repeat(32) }],
};

export const HEADER: TraceHeader = {
  config: CONFIG,
  costProfile: {
    name: 'rocket-kvm-2023',
    hypercall: { cycles: 618, share: 0.25 },
    clockMhz: null,
    list: [1, 2 ** 40, -1],
  },
  coreProfile: { name: 'rocket', clockHz: 1_000_000_000 },
};

/** One call of an observer. */
export type Call =
  | { readonly what: 'event'; readonly value: VmEvent }
  | { readonly what: 'input'; readonly value: InputRecord }
  | { readonly what: 'digest'; readonly value: StateDigest; readonly counters?: RunCounters };

export interface Run {
  readonly calls: readonly Call[];
  readonly end: RunEnd;
}

/** Plays a run to an observer. */
export function play(run: Run, observer: Observer): void {
  for (const call of run.calls) {
    if (call.what === 'event') observer.event(call.value);
    else if (call.what === 'input') observer.input(call.value);
    else observer.digest(call.value, call.counters);
  }
  observer.end(run.end);
}

/** The trace of a run. */
export function record(run: Run, header: TraceHeader = HEADER, images: readonly EmbeddedImage[] = []): Uint8Array {
  const parts: Uint8Array[] = [];
  play(run, new TraceWriter((bytes) => parts.push(bytes), header, images));
  return join(parts);
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export function eventsOf(run: Run): VmEvent[] {
  return run.calls.flatMap((call) => (call.what === 'event' ? [call.value] : []));
}

export function inputsOf(run: Run): InputRecord[] {
  return run.calls.flatMap((call) => (call.what === 'input' ? [call.value] : []));
}

export function digestsOf(run: Run): StateDigest[] {
  return run.calls.flatMap((call) => (call.what === 'digest' ? [call.value] : []));
}

function numberUpTo(max: number): fc.Arbitrary<number> {
  const edges = EDGES.map(Number).filter((edge) => edge <= max);
  return fc.oneof(
    fc.nat({ max: Math.min(max, 0x7fff_ffff) }),
    fc.maxSafeNat().map((n) => n % (max + 1)),
    fc.constantFrom(...edges, max),
  );
}

const FIELD_ARBITRARIES: Readonly<Record<FieldType, fc.Arbitrary<number | bigint | boolean | string>>> = {
  u8: numberUpTo(0xff),
  u16: numberUpTo(0xffff),
  u32: numberUpTo(0xffff_ffff),
  u53: numberUpTo(Number.MAX_SAFE_INTEGER),
  u64: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(...EDGES_64)),
  i64: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constantFrom(...EDGES_SIGNED)),
  bool: fc.boolean(),
  name: fc.oneof(fc.constantFrom('uart0', 'virtio1', 'wfi', ''), fc.string({ unit: 'grapheme', maxLength: 12 })),
};

/** An event of one kind without its stamp. */
export function fieldsArbitrary(kind: EventKind): fc.Arbitrary<Record<string, unknown>> {
  const fields: Readonly<Record<string, FieldType>> = EVENT_KINDS[kind].fields;
  const record = Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, FIELD_ARBITRARIES[type]]));
  return fc.record(record).map((values) => ({ ...values }));
}

const stepArbitrary = fc.record({
  cycles: fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(0, 2 ** 31, 2 ** 32, 2 ** 46)),
  instructions: fc.oneof(fc.nat({ max: 100 }), fc.constantFrom(0, 2 ** 31, 2 ** 33)),
});

const eventArbitrary = fc
  .constantFrom(...(Object.keys(EVENT_KINDS) as EventKind[]))
  .chain((kind) =>
    fc
      .record({ hart: fc.nat({ max: 7 }), pc: FIELD_ARBITRARIES.u64, fields: fieldsArbitrary(kind) })
      .map(({ hart, pc, fields }) => ({ what: 'event' as const, value: { kind, hart, pc, ...fields } })),
  );
const inputArbitrary = fc
  .record({
    port: fc.constantFrom(...INPUT_PORTS),
    via: fc.constantFrom('pull', 'push'),
    bytes: fc.uint8Array({ maxLength: 40 }),
  })
  .map((value) => ({ what: 'input' as const, value }));
const digestArbitrary = fc
  .record({ memory: FIELD_ARBITRARIES.u64, harts: FIELD_ARBITRARIES.u64, devices: FIELD_ARBITRARIES.u64 })
  .map((value) => ({ what: 'digest' as const, value }));
const callArbitrary = fc.oneof(
  { arbitrary: eventArbitrary, weight: 8 },
  { arbitrary: inputArbitrary, weight: 1 },
  { arbitrary: digestArbitrary, weight: 1 },
);

/** A run of up to `maxCalls` calls. */
export function runArbitrary(maxCalls: number): fc.Arbitrary<Run> {
  const calls = fc.array(fc.tuple(callArbitrary, stepArbitrary), { maxLength: maxCalls });
  const reason = fc.constantFrom(...END_REASONS);
  return fc.tuple(calls, reason, numberUpTo(2 ** 53 - 1), fc.string()).map(([steps, endReason, status, message]) => {
    let cycle = 0;
    let icount = 0;
    const stamped = steps.map(([call, step]) => {
      cycle += step.cycles;
      icount += step.instructions;
      return { what: call.what, value: { ...call.value, cycle, icount } } as unknown as Call;
    });
    return { calls: stamped, end: { cycle, icount, reason: endReason, status, message } };
  });
}
