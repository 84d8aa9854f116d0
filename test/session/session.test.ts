import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunConfig } from '../../src/session/config.ts';
import { LiveInput, ScriptInput } from '../../src/session/inputs.ts';
import type { InputPort, InputRecord, InputSource, Position } from '../../src/session/ports.ts';
import type { ScriptedHart, Scripts, Step } from '../support/scripted-machine.ts';
import { EID, print, RAM, readUart, sbi, shutdown, UART, work } from '../support/scripted-steps.ts';
import { runToEnd, type ScriptedSession, scriptedSession, type Told } from '../support/scripted-vm.ts';

type Script = Generator<Step, void, bigint>;
const PLIC = { priority10: 0x0c00_0028, enable: 0x0c00_2080, claim: 0x0c20_1004 } as const;
const INTERRUPTS_ON = 2n;
const TIMER_TICKS = 300n;

/**
 * A guest that does a little of everything: hart 0 echoes what it polls from the 16550 and sends IPIs, the others work, wait and are
 * interrupted by timers. It ends on `q`.
 */
const busy: Scripts = {
  main: function* (hart: ScriptedHart): Script {
    hart.setCsr('mie', 0x222n);
    hart.setCsr('mstatus', INTERRUPTS_ON);
    if (hart.id > 0) {
      yield* sbi(hart, EID.TIME, 0n, TIMER_TICKS);
      for (;;) {
        yield work(700 + 131 * hart.id);
        yield { op: 'wfi' };
      }
    }
    for (let id = 1; id < 3; id++) yield* sbi(hart, EID.HSM, 0n, BigInt(id), RAM, 0n);
    for (;;) {
      const byte = yield* readUart();
      yield* print(String.fromCharCode(byte));
      if (byte === 0x71) break;
      yield work(50 * (byte & 31));
      yield* sbi(hart, EID.IPI, 0n, BigInt(byte & 7), 0n);
    }
    yield* shutdown(hart);
  },
  interrupt: function* (hart: ScriptedHart, cause: number): Script {
    if (cause === 1) hart.setCsr('mip', hart.csr('mip') & ~2n);
    else yield* sbi(hart, EID.TIME, 0n, hart.csr('stimecmp') + TIMER_TICKS);
    yield work(17);
  },
};

/** A guest that waits for input by interrupt, echoes it, and ends on `q`. */
const waiting: Scripts = {
  main: function* (hart: ScriptedHart): Script {
    hart.setCsr('mie', 1n << 9n);
    hart.setCsr('mstatus', INTERRUPTS_ON);
    yield { op: 'store', gpa: PLIC.priority10, size: 4, value: 1n };
    yield { op: 'store', gpa: PLIC.enable, size: 4, value: 1n << 10n };
    yield { op: 'store', gpa: UART + 1, size: 1, value: 1n };
    for (;;) {
      yield { op: 'wfi' };
      yield work(100);
    }
  },
  interrupt: function* (hart: ScriptedHart): Script {
    const source = yield { op: 'load', gpa: PLIC.claim, size: 4 };
    const byte = Number(yield { op: 'load', gpa: UART, size: 1 });
    yield* print(String.fromCharCode(byte));
    yield { op: 'store', gpa: PLIC.claim, size: 4, value: source };
    if (byte === 0x71) yield* shutdown(hart);
  },
};

const CONFIG: Partial<RunConfig> = {
  hartCount: 3,
  quantumCycles: 2_000,
  digestIntervalCycles: 50_000,
  maxCycles: 400_000,
};
const bytesOf = (text: string) => new TextEncoder().encode(text);
/** What must be the same, as text: quick to compare. */
function outcome({ events, inputs, digests, ends, output }: Told): string {
  const plain = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);
  return JSON.stringify({ events, inputs, digests, ends, output }, plain, 1);
}

describe('slices', () => {
  it.each(['pvh', 'native'] as const)('have no effect on a run in mode %s', (mode) => {
    const config = { ...CONFIG, mode };
    const whole = scriptedSession(busy, config, new ScriptInput(bytesOf('hello, world')));
    runToEnd(whole);
    expect(whole.events.length).toBeGreaterThan(100);
    expect(whole.digests.length).toBeGreaterThan(5);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 20 }), (lengths) => {
        const sliced = scriptedSession(busy, config, new ScriptInput(bytesOf('hello, world')));
        for (let slice = 0; !sliced.session.end; slice++) sliced.session.run(lengths[slice % lengths.length] ?? 1);
        expect(outcome(sliced)).toBe(outcome(whole));
      }),
      { numRuns: 12 },
    );
  });

  it('have no effect when they are one cycle each', () => {
    const config = { ...CONFIG, maxCycles: 60_000 };
    const whole = scriptedSession(busy, config, new ScriptInput(bytesOf('ab')));
    runToEnd(whole);
    const sliced = scriptedSession(busy, config, new ScriptInput(bytesOf('ab')));
    while (!sliced.session.end) sliced.session.run(1);
    expect(outcome(sliced)).toBe(outcome(whole));
  });
});

describe('replay', () => {
  const plans = fc.array(
    fc.record({
      slices: fc.nat({ max: 6 }),
      length: fc.integer({ min: 1, max: 30_000 }),
      text: fc.string({ minLength: 1, maxLength: 5 }),
    }),
    { maxLength: 8 },
  );

  it.each([
    ['polls', busy],
    ['waits by interrupt', waiting],
  ])('takes a live run of a guest that %s to the same end', (_name, scripts) => {
    fc.assert(
      fc.property(plans, fc.boolean(), fc.boolean(), (plan, quits, closesLate) => {
        const live = runLive(scripts, plan, quits, closesLate);
        const replayed = scriptedSession(scripts, CONFIG, new RecordedInput(live.inputs));
        for (let slice = 0; slice < 10_000 && !replayed.session.end; slice++) replayed.session.run(7_777);
        expect(outcome(replayed)).toBe(outcome(live));
      }),
      { numRuns: 25 },
    );
  });

  const types = (slices: number, length: number, text: string) => ({ slices, length, text });
  it.each([
    [
      'the end of the input, where serving the last byte had moved the clock past a slice',
      [types(0, 1, ' '), types(2, 14_278, '    '), types(0, 1, '    '), types(2, 4_085, '   '), types(0, 1, '   ')],
      true,
    ],
    [
      'the state of the turns, where input comes to a host that had found every hart waiting',
      [types(0, 1, '   '), types(0, 1, '    '), types(5, 23_121, ' '), types(4, 13_603, ' ')],
      false,
    ],
  ] as const)('keeps %s', (_name, plan, quits) => {
    const live = runLive(waiting, plan, quits, false);
    const replayed = scriptedSession(waiting, CONFIG, new RecordedInput(live.inputs));
    runToEnd(replayed);
    expect(outcome(replayed)).toBe(outcome(live));
  });
});

describe('digests', () => {
  it('are taken at the first stop at or after each multiple of the interval, and at the end', () => {
    const run = scriptedSession(busy, CONFIG, new ScriptInput(bytesOf('abcdefgq')));
    const end = runToEnd(run);
    const cycles = run.digests.map(({ cycle }) => cycle);
    expect(cycles.at(-1)).toBe(end?.cycle);
    cycles.slice(0, -1).forEach((cycle, index) => {
      expect(cycle).toBeGreaterThanOrEqual(50_000 * (index + 1));
      // The longest exits, one after the other on entering the host, reach a little past a multiple.
      expect(cycle).toBeLessThan(50_000 * (index + 1) + 20_000);
    });
  });

  it('say which part of the state differs', () => {
    const digestOf = (script: (hart: ScriptedHart) => Script) => {
      const run = scriptedSession({ main: script });
      runToEnd(run);
      const { memory, harts, devices } = run.session.digest();
      return { memory, harts, devices };
    };
    const plain = digestOf(function* (hart) {
      yield* print('a');
      yield* shutdown(hart);
    });
    const register = digestOf(function* (hart) {
      hart.setX(5, 1n);
      yield* print('a');
      yield* shutdown(hart);
    });
    const device = digestOf(function* (hart) {
      yield { op: 'store', gpa: UART + 7, size: 1, value: 0x55n };
      yield* shutdown(hart);
    });
    expect({ ...register, harts: plain.harts }).toEqual(plain);
    expect(register.harts).not.toBe(plain.harts);
    expect({ ...device, devices: plain.devices }).toEqual(plain);
    expect(device.devices).not.toBe(plain.devices);
  });
});

describe('the end', () => {
  it('is told once, last, with an event of its own before the last digest', () => {
    const calls: string[] = [];
    const run = scriptedSession({ main: shutdown });
    for (const name of ['events', 'digests', 'ends'] as const) {
      run[name].push = (() => calls.push(name)) as never;
    }
    runToEnd(run);
    run.session.run(1_000);
    run.session.interrupt();
    expect(calls.slice(-3)).toEqual(['events', 'digests', 'ends']);
    expect(calls.filter((name) => name === 'ends').length).toBe(1);
  });

  it('can be an interruption from outside', () => {
    const run = scriptedSession(busy, CONFIG, new LiveInput());
    expect(run.session.run(1_234)).toBe('sliced');
    const end = run.session.interrupt();
    expect(end).toMatchObject({ reason: 'interrupted', cycle: run.session.position.cycle });
    expect(run.session.run(1_000)).toBe('ended');
  });
});

describe('a live guest', () => {
  it('that waits says so, goes on with input, and ends when the input does', () => {
    const input = new LiveInput();
    const run = scriptedSession(waiting, CONFIG, input);
    expect(run.session.run(1_000_000)).toBe('needs-input');
    const { cycle } = run.session.position;
    expect(run.session.run(1_000_000)).toBe('needs-input');
    expect(run.session.position.cycle).toBe(cycle);
    input.offer(bytesOf('hi'));
    expect(run.session.run(1_000_000)).toBe('needs-input');
    expect(run.output.uart0).toBe('hi');
    input.close();
    expect(run.session.run(1_000_000)).toBe('ended');
    expect(run.session.end?.reason).toBe('waits-for-input');
  });

  it('that polls says so now and then', () => {
    const input = new LiveInput();
    const run = scriptedSession({ main: echo }, { maxCycles: 0 }, input);
    expect(run.session.run(1e9)).toBe('polls-input');
    expect(run.session.run(1e9)).toBe('polls-input');
    input.offer(bytesOf('x'));
    input.close();
    expect(run.session.run(1e9)).toBe('ended');
    expect(run.output.uart0).toBe('x');
    expect(run.session.end?.reason).toBe('waits-for-input');
  });
});

function* echo(): Script {
  for (;;) yield* print(String.fromCharCode(yield* readUart()));
}

type Plan = readonly { readonly slices: number; readonly length: number; readonly text: string }[];

/** A host that types by a plan of its own, in slices of its own, and closes the input at once or some slices later. */
function runLive(scripts: Scripts, plan: Plan, quits: boolean, closesLate: boolean): ScriptedSession {
  const input = new LiveInput();
  const run = scriptedSession(scripts, CONFIG, input);
  for (const { slices, length, text } of plan) {
    for (let slice = 0; slice < slices; slice++) run.session.run(length);
    input.offer(bytesOf(text));
  }
  if (quits) input.offer(bytesOf('q'));
  for (let slice = 0; closesLate && slice < 10; slice++) run.session.run(40_000);
  input.close();
  for (let slice = 0; slice < 1_000 && !run.session.end; slice++) run.session.run(100_000);
  expect(run.session.end).toBeDefined();
  return run;
}

/** The inputs of a run as a source, by position alone: what any replay does. */
class RecordedInput implements InputSource {
  readonly #records: readonly InputRecord[];
  #next = 0;

  constructor(records: readonly InputRecord[]) {
    this.#records = records;
  }

  pull(port: InputPort, now: Position): Uint8Array | undefined {
    return this.#take(port, 'pull', now);
  }

  push(port: InputPort, now: Position): Uint8Array | undefined {
    return this.#take(port, 'push', now);
  }

  nextPushCycle(now: Position): number {
    const next = this.#records.slice(this.#next).find((record) => record.via === 'push' && record.cycle > now.cycle);
    return next?.cycle ?? Number.POSITIVE_INFINITY;
  }

  hasEnded(now: Position): boolean {
    const next = this.#records[this.#next];
    return next?.bytes.length === 0 && next.cycle === now.cycle && next.icount === now.icount;
  }

  #take(port: InputPort, via: 'pull' | 'push', now: Position): Uint8Array | undefined {
    const next = this.#records[this.#next];
    if (next?.cycle !== now.cycle || next.icount !== now.icount || next.port !== port || next.via !== via)
      return undefined;
    if (next.bytes.length === 0) return undefined;
    this.#next++;
    return next.bytes;
  }
}
