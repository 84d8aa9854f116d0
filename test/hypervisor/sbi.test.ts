import { describe, expect, it } from 'vitest';
import { HSM_STATE } from '../../src/hypervisor/harts.ts';
import { SBI_EXTENSIONS, sbiArgumentNames, sbiErrorName, sbiFunctionName } from '../../src/hypervisor/sbi/sbi.ts';
import { ScriptInput } from '../../src/session/inputs.ts';
import type { ScriptedHart, Step } from '../support/scripted-machine.ts';
import { EID, MINUS_ONE, RAM, sbi, shutdown, work } from '../support/scripted-steps.ts';
import { eventsOf, runToEnd, type ScriptedSession, scriptedSession } from '../support/scripted-vm.ts';

const [SUCCESS, NOT_SUPPORTED, INVALID_PARAM, DENIED, INVALID_ADDRESS, ALREADY_AVAILABLE] = [
  0n,
  -2n,
  -3n,
  -4n,
  -5n,
  -6n,
];
const RAM_END = RAM + 4n * 2n ** 20n;
type Answer = { error: bigint; value: bigint };

/** Makes calls on hart 0 one after the other and returns the answers. */
function answers(
  calls: readonly (readonly bigint[])[],
  hartCount = 1,
  input?: string,
): { run: ScriptedSession; answers: Answer[] } {
  const got: Answer[] = [];
  const main = function* (hart: ScriptedHart): Generator<Step, void, bigint> {
    if (hart.id !== 0) return;
    for (const [eid = 0n, fid = 0n, ...args] of calls) got.push(yield* sbi(hart, eid, fid, ...args));
    yield* shutdown(hart);
  };
  const source = input === undefined ? undefined : new ScriptInput(new TextEncoder().encode(input));
  const run = scriptedSession({ main }, { hartCount }, source);
  expect(runToEnd(run)?.reason).toBe('poweroff');
  return { run, answers: got };
}

const errorsOf = (calls: readonly (readonly bigint[])[], hartCount = 1) =>
  answers(calls, hartCount).answers.map(({ error }) => error);

describe('BASE', () => {
  it('says version 2.0, an implementation id of its own, and what it offers', () => {
    const { answers: got } = answers([
      [EID.BASE, 0n],
      [EID.BASE, 1n],
      [EID.BASE, 3n, EID.DBCN],
      [EID.BASE, 3n, EID.BASE],
      [EID.BASE, 3n, 0x504d55n],
      [EID.BASE, 3n, 0n],
      [EID.BASE, 4n],
    ]);
    expect(got.map(({ error }) => error)).toEqual(Array(7).fill(SUCCESS));
    const [version, implementation, ...probes] = got.map(({ value }) => value);
    expect(version).toBe(0x0200_0000n);
    expect(implementation).toBeGreaterThan(11n);
    expect(probes.slice(0, 4)).toEqual([1n, 1n, 0n, 0n]);
  });
});

describe('PVM', () => {
  const text = (name: string) => {
    const bytes = new Uint8Array(24);
    bytes.set(new TextEncoder().encode(name).subarray(0, 24));
    return [...new BigUint64Array(bytes.buffer)];
  };
  const mark = (name: string, value = 0n) => [0x0850_564dn, 0n, ...text(name), value];

  it('gives a place a name, and is offered', () => {
    const longest = 'exactly 24 characters: x';
    const { run, answers: got } = answers([
      [EID.BASE, 3n, 0x0850_564dn],
      mark('boot', 7n),
      mark(longest, 2n ** 64n - 1n),
    ]);
    expect(got.map(({ error }) => error)).toEqual([SUCCESS, SUCCESS, SUCCESS]);
    expect(got[0]?.value).toBe(1n);
    expect(eventsOf(run, 'mark')).toMatchObject([
      { by: 'guest', label: 'boot', value: 7n },
      { by: 'guest', label: longest, value: 2n ** 64n - 1n },
    ]);
  });

  it('takes no name that cannot be shown', () => {
    expect(errorsOf([mark(''), mark('a\nb'), mark('\u00e9'), [0x0850_564dn, 1n]])).toEqual([
      INVALID_PARAM,
      INVALID_PARAM,
      INVALID_PARAM,
      NOT_SUPPORTED,
    ]);
  });
});

describe('the event of a call', () => {
  it('has the arguments that the function takes, and all six where there is none', () => {
    const six = [11n, 12n, 13n, 14n, 15n, 2n ** 64n - 1n];
    const { run } = answers([
      [EID.BASE, 3n, ...six],
      [EID.BASE, 0n, ...six],
      [EID.BASE, 77n, ...six],
      [0x1234_5678n, 0n, ...six],
    ]);
    const recorded = eventsOf(run, 'hypercall').map(({ arg0, arg1, arg2, arg3, arg4, arg5 }) => [
      arg0,
      arg1,
      arg2,
      arg3,
      arg4,
      arg5,
    ]);
    expect(recorded.slice(0, 4)).toEqual([[11n, 0n, 0n, 0n, 0n, 0n], Array(6).fill(0n), six, six]);
  });
});

describe('what is not served', () => {
  it('answers SBI_ERR_NOT_SUPPORTED to unknown extensions and functions', () => {
    expect(
      errorsOf([
        [0x504d55n, 0n],
        [EID.BASE, 7n],
        [EID.TIME, 1n],
        [EID.HSM, MINUS_ONE],
        [EID.HSM | (1n << 32n), 2n],
        [MINUS_ONE, 0n],
      ]),
    ).toEqual(Array(6).fill(NOT_SUPPORTED));
  });

  it('leaves a1 alone in legacy calls', () => {
    const { answers: got } = answers([[1n, 0n, 65n, 77n]]);
    expect(got).toEqual([{ error: NOT_SUPPORTED, value: 77n }]);
  });
});

describe('hart masks', () => {
  it('name valid harts only', () => {
    const send = (mask: bigint, base: bigint) => [EID.IPI, 0n, mask, base];
    expect(
      errorsOf(
        [
          send(0b1n, 0n),
          send(0b1111n, 0n),
          send(0b10000n, 0n),
          send(1n, 3n),
          send(0b10n, 3n),
          send(0n, 4n),
          send(7n, MINUS_ONE),
          send(0n, 0n),
        ],
        4,
      ),
    ).toEqual([SUCCESS, SUCCESS, INVALID_PARAM, SUCCESS, INVALID_PARAM, INVALID_PARAM, SUCCESS, SUCCESS]);
  });
});

describe('IPI', () => {
  it('raises a software interrupt in harts that run, and passes over stopped ones', () => {
    const { run } = answers([[EID.IPI, 0n, 0b11n, 0n]], 2);
    expect(eventsOf(run, 'inject').map(({ source, line }) => [source, line])).toEqual([['ipi', 0]]);
    expect(run.machine.harts[0]?.csr('mip')).toBe(0b10n);
    expect(run.machine.harts[1]?.csr('mip')).toBe(0n);
  });
});

describe('RFENCE', () => {
  it('flushes the targets, checks ranges, and has no hypervisor fences', () => {
    const { run, answers: got } = answers([
      [EID.RFENCE, 1n, 0b1n, 0n, 0n, MINUS_ONE],
      [EID.RFENCE, 2n, 0n, MINUS_ONE, 0x1000n, 0x1000n, 5n],
      [EID.RFENCE, 1n, 0b1n, 0n, 3n, MINUS_ONE - 1n],
      [EID.RFENCE, 0n, 0b1n, 0n],
      [EID.RFENCE, 1n, 0b100n, 0n, 0n, 0n],
      [EID.RFENCE, 3n, 1n, 0n],
      [EID.RFENCE, 6n, 1n, 0n],
    ]);
    expect(got.map(({ error }) => error)).toEqual([
      SUCCESS,
      SUCCESS,
      INVALID_ADDRESS,
      SUCCESS,
      INVALID_PARAM,
      NOT_SUPPORTED,
      NOT_SUPPORTED,
    ]);
    expect(run.machine.flushed).toEqual([0, 0]);
  });

  it('charges for each other hart that it reaches', () => {
    const main = function* (hart: ScriptedHart): Generator<Step, void, bigint> {
      if (hart.id === 0) {
        yield* sbi(hart, EID.HSM, 0n, 1n, RAM, 0n);
        yield work(50_000);
        yield* sbi(hart, EID.RFENCE, 1n, 0b11n, 0n, 0n, 0n);
        yield* shutdown(hart);
      }
      yield work(1_000_000);
    };
    const run = scriptedSession({ main }, { hartCount: 2 });
    runToEnd(run);
    const fence = eventsOf(run, 'hypercall').find(({ eid }) => eid === EID.RFENCE);
    expect(fence?.handlingCycles).toBe(18 + (4692 - 618));
    expect(run.machine.flushed).toEqual([0, 1]);
  });
});

describe('HSM', () => {
  it('starts a stopped hart with its id and the opaque value, once', () => {
    const seen: bigint[] = [];
    const status: bigint[] = [];
    const errors: bigint[] = [];
    const main = function* (hart: ScriptedHart): Generator<Step, void, bigint> {
      if (hart.id === 1) {
        seen.push(hart.pc, hart.x(10), hart.x(11));
        yield work(100_000);
        yield* sbi(hart, EID.HSM, 1n);
        throw new Error('a stopped hart does not return');
      }
      status.push((yield* sbi(hart, EID.HSM, 2n, 1n)).value);
      errors.push((yield* sbi(hart, EID.HSM, 0n, 2n, RAM, 0n)).error);
      errors.push((yield* sbi(hart, EID.HSM, 0n, 1n, 0x1000n, 0n)).error);
      errors.push((yield* sbi(hart, EID.HSM, 0n, 1n, RAM + 1n, 0n)).error);
      errors.push((yield* sbi(hart, EID.HSM, 0n, 0n, RAM, 0n)).error);
      errors.push((yield* sbi(hart, EID.HSM, 0n, 1n, RAM + 0x1000n, 99n)).error);
      status.push((yield* sbi(hart, EID.HSM, 2n, 1n)).value);
      errors.push((yield* sbi(hart, EID.HSM, 0n, 1n, RAM, 0n)).error);
      yield work(20_000);
      status.push((yield* sbi(hart, EID.HSM, 2n, 1n)).value);
      yield work(300_000);
      status.push((yield* sbi(hart, EID.HSM, 2n, 1n)).value);
      errors.push((yield* sbi(hart, EID.HSM, 2n, 2n)).error);
      yield* shutdown(hart);
    };
    const run = scriptedSession({ main }, { hartCount: 2 });
    expect(runToEnd(run)?.reason).toBe('poweroff');
    expect(seen).toEqual([RAM + 0x1000n, 1n, 99n]);
    expect(errors).toEqual([
      INVALID_PARAM,
      INVALID_ADDRESS,
      INVALID_ADDRESS,
      ALREADY_AVAILABLE,
      SUCCESS,
      ALREADY_AVAILABLE,
      INVALID_PARAM,
    ]);
    expect(status.map(Number)).toEqual([
      HSM_STATE.STOPPED,
      HSM_STATE.START_PENDING,
      HSM_STATE.STARTED,
      HSM_STATE.STOPPED,
    ]);
    expect(eventsOf(run, 'hartState').map(({ target, state }) => [target, state])).toEqual([
      [1, 'started'],
      [1, 'stopped'],
    ]);
  });

  it('suspends retentively and returns, or not and resumes elsewhere', () => {
    const log: bigint[] = [];
    const resumed: bigint[] = [];
    const main = function* (hart: ScriptedHart): Generator<Step, void, bigint> {
      if (hart.pc === RAM + 0x2000n) {
        resumed.push(hart.x(10), hart.x(11), hart.csr('satp'), hart.csr('mstatus') & 2n);
        yield* shutdown(hart);
      }
      hart.setCsr('mie', 1n << 5n);
      yield { op: 'stimecmp', value: 1_000n };
      log.push((yield* sbi(hart, EID.HSM, 3n, 0n, 0n, 0n)).error);
      yield* sbi(hart, EID.TIME, 0n, 2_000n);
      log.push((yield* sbi(hart, EID.HSM, 3n, 1n, 0n, 0n)).error);
      log.push((yield* sbi(hart, EID.HSM, 3n, 0x9000_0000n, RAM, 0n)).error);
      log.push((yield* sbi(hart, EID.HSM, 3n, 0x8000_0000n, 0n, 0n)).error);
      hart.setCsr('satp', 8n << 60n);
      hart.setCsr('mstatus', 2n);
      yield* sbi(hart, EID.HSM, 3n, 0x8000_0000n, RAM + 0x2000n, 7n);
      throw new Error('a non-retentive suspend does not return');
    };
    const run = scriptedSession({ main });
    expect(runToEnd(run)?.reason).toBe('poweroff');
    expect(log).toEqual([SUCCESS, INVALID_PARAM, INVALID_PARAM, INVALID_ADDRESS]);
    expect(resumed).toEqual([0n, 7n, 0n, 0n]);
    expect(run.machine.flushed).toEqual([0]);
    expect(eventsOf(run, 'hartState').map(({ state, cycle }) => [state, cycle >= 100_000, cycle >= 200_000])).toEqual([
      ['suspended', false, false],
      ['started', true, false],
      ['suspended', true, false],
      ['started', true, true],
    ]);
  });
});

describe('SUSP', () => {
  it('needs every other hart stopped, a known type and an address in RAM', () => {
    const errors: bigint[] = [];
    const main = function* (hart: ScriptedHart): Generator<Step, void, bigint> {
      if (hart.id === 1) {
        yield work(1_000_000);
        return;
      }
      errors.push((yield* sbi(hart, EID.SUSP, 0n, 1n, RAM, 0n)).error);
      errors.push((yield* sbi(hart, EID.SUSP, 0n, 0n, 0n, 0n)).error);
      yield* sbi(hart, EID.HSM, 0n, 1n, RAM, 0n);
      errors.push((yield* sbi(hart, EID.SUSP, 0n, 0n, RAM, 0n)).error);
      yield* shutdown(hart);
    };
    const run = scriptedSession({ main }, { hartCount: 2 });
    expect(runToEnd(run)?.reason).toBe('poweroff');
    expect(errors).toEqual([INVALID_PARAM, INVALID_ADDRESS, DENIED]);
  });
});

describe('SRST', () => {
  it('refuses reserved types and reasons', () => {
    const reset = (type: bigint, reason: bigint) => [EID.SRST, 0n, type, reason];
    expect(errorsOf([reset(3n, 0n), reset(0n, 2n), reset(0xf000_0000n, 0n), reset(0n, 0xe000_0000n)])).toEqual(
      Array(4).fill(INVALID_PARAM),
    );
  });

  it.each([
    [0n, 0n, 'poweroff', 0],
    [0n, 1n, 'poweroff', 1],
    [1n, 0n, 'reset', 0],
    [2n, 1n, 'reset', 1],
  ] as const)('ends the run: type %i reason %i', (type, why, reason, status) => {
    const main = function* (hart: ScriptedHart): Generator<Step, void, bigint> {
      yield* sbi(hart, EID.SRST, 0n, type, why);
    };
    expect(runToEnd(scriptedSession({ main }))).toMatchObject({ reason, status });
  });
});

describe('DBCN', () => {
  it('writes from RAM and nothing else', () => {
    const { run, answers: got } = answers([
      [EID.DBCN, 2n, 0x141n],
      [EID.DBCN, 0n, 4n, RAM + 0x20_0000n, 0n],
      [EID.DBCN, 0n, 4n, RAM_END - 4n, 0n],
      [EID.DBCN, 0n, 5n, RAM_END - 4n, 0n],
      [EID.DBCN, 0n, 4n, RAM, 1n],
      [EID.DBCN, 0n, MINUS_ONE, RAM, 0n],
      [EID.DBCN, 0n, 1n, 0n, 0n],
      [EID.DBCN, 0n, 0n, RAM, 0n],
      [EID.DBCN, 0n, 0x2_0000n, RAM, 0n],
    ]);
    expect(got.map(({ error }) => error)).toEqual([
      SUCCESS,
      SUCCESS,
      SUCCESS,
      INVALID_PARAM,
      INVALID_PARAM,
      INVALID_PARAM,
      INVALID_PARAM,
      SUCCESS,
      SUCCESS,
    ]);
    expect(got.map(({ value }) => value).filter((value) => value !== 0n)).toEqual([4n, 4n, 65_536n]);
    expect(run.output.dbcn?.slice(0, 5)).toBe('A\x01\xa0\x01\xa0');
  });

  it('reads what is there into RAM, a byte of a script at a time, and then nothing', () => {
    const read = [EID.DBCN, 1n, 8n, RAM + 0x1000n, 0n];
    const { run, answers: got } = answers([read, read, read, [EID.DBCN, 1n, 8n, 0n, 0n]], 1, 'hi');
    expect(got).toEqual([
      { error: SUCCESS, value: 1n },
      { error: SUCCESS, value: 1n },
      { error: SUCCESS, value: 0n },
      { error: INVALID_PARAM, value: 0n },
    ]);
    expect(String.fromCharCode(run.machine.memory.read8(Number(RAM) + 0x1000))).toBe('i');
  });
});

describe('TIME', () => {
  it('sets stimecmp', () => {
    const { run } = answers([[EID.TIME, 0n, 12345n]]);
    expect(run.machine.harts[0]?.csr('stimecmp')).toBe(12345n);
  });
});

describe('names', () => {
  it('come from the table', () => {
    expect(sbiFunctionName(EID.DBCN, 0n)).toBe('DBCN.debug_console_write');
    expect(sbiFunctionName(EID.DBCN, 9n)).toBe('DBCN.9');
    expect(sbiFunctionName(0x504d55n, 1n)).toBe('0x504d55.1');
    expect(sbiFunctionName(1n, 0n)).toBe('legacy.console_putchar');
    expect(sbiArgumentNames(EID.HSM, 0n)).toEqual(['hartid', 'start_addr', 'opaque']);
    expect(sbiErrorName(-3n)).toBe('SBI_ERR_INVALID_PARAM');
    expect(sbiErrorName(0n)).toBe('SBI_SUCCESS');
    expect(sbiErrorName(-99n)).toBe('error -99');
  });

  it('has every extension once, with functions numbered from 0', () => {
    expect(new Set(SBI_EXTENSIONS.map(({ eid }) => eid)).size).toBe(SBI_EXTENSIONS.length);
    for (const { functions, name } of SBI_EXTENSIONS) {
      expect(Object.keys(functions).map(Number), name).toEqual(Object.keys(functions).map((_, index) => index));
    }
  });
});
