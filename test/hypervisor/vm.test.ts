import { describe, expect, it } from 'vitest';
import { costOf, isPriced } from '../../src/hypervisor/events.ts';
import { ScriptInput } from '../../src/session/inputs.ts';
import type { ScriptedHart, Step } from '../support/scripted-machine.ts';
import { EID, print, RAM, readUart, sbi, shutdown, UART, work } from '../support/scripted-steps.ts';
import { eventsOf, runToEnd, scriptedSession } from '../support/scripted-vm.ts';

type Script = Generator<Step, void, bigint>;
const FINISHER = 0x10_0000;
const VIRTIO0 = 0x1000_1000;
const scriptInput = (text: string) => new ScriptInput(new TextEncoder().encode(text));

describe('exits', () => {
  const main = function* (hart: ScriptedHart): Script {
    yield work(10);
    yield* print('A');
    yield { op: 'load', gpa: VIRTIO0 + 4, size: 4 };
    yield { op: 'store', gpa: VIRTIO0 + 0x50, size: 4, value: 0n };
    yield* sbi(hart, EID.BASE, 0n);
    yield* shutdown(hart);
  };

  it('are stamped before they are charged, and charged what they say', () => {
    const run = scriptedSession({ main });
    const end = runToEnd(run);
    const [write, read, doorbell] = eventsOf(run, 'mmio');
    expect(write).toMatchObject({
      cycle: 10,
      icount: 10,
      device: 'uart0',
      register: 'RBR/THR',
      write: true,
      value: 65n,
    });
    expect(write && costOf(write)).toBe(4758);
    expect(read).toMatchObject({
      cycle: 10 + 4758 + 1,
      device: 'virtio0',
      register: 'Version',
      value: 2n,
      sizeBytes: 4,
    });
    expect(doorbell && costOf(doorbell)).toBe(618);
    const charged = run.events.filter(isPriced).reduce((sum, event) => sum + costOf(event), 0);
    // The shutdown does not return, so its return is not charged; nor does its call retire.
    expect(end?.cycle).toBe(charged + 10 + 4);
    expect(end?.icount).toBe(10 + 4);
  });

  it('cost a bus access or firmware without a hypervisor, and no entry or return', () => {
    const run = scriptedSession({ main }, { mode: 'native' });
    runToEnd(run);
    for (const event of [...eventsOf(run, 'mmio'), ...eventsOf(run, 'hypercall')]) {
      expect([event.entryCycles, event.returnCycles]).toEqual([0, 0]);
      expect(event.handlingCycles).toBe(event.kind === 'mmio' ? 24 : 256);
    }
    expect(eventsOf(run, 'exit')).toEqual([]);
  });

  it('have stamps that never decrease', () => {
    const run = scriptedSession({ main }, {}, undefined, [new Uint8Array(1024)]);
    runToEnd(run);
    for (const [index, event] of run.events.entries()) {
      const before = run.events[index - 1];
      if (before) expect(event.cycle >= before.cycle && event.icount >= before.icount).toBe(true);
    }
  });
});

describe('wfi', () => {
  const main = function* (hart: ScriptedHart): Script {
    hart.setCsr('mie', 1n << 5n);
    hart.setCsr('mstatus', 2n);
    yield* sbi(hart, EID.TIME, 0n, 5_000n);
    yield { op: 'wfi' };
    yield* shutdown(hart);
  };
  const interrupt = function* (hart: ScriptedHart): Script {
    yield* sbi(hart, EID.TIME, 0n, 0xffff_ffff_ffff_ffffn);
  };

  it('lets time jump to the timer, exits under a hypervisor, and wakes by interrupt', () => {
    const run = scriptedSession({ main, interrupt });
    runToEnd(run);
    const kinds = run.events.map((event) => (event.kind === 'exit' ? event.reason : event.kind));
    expect(kinds).toEqual([
      'input',
      'hypercall',
      'wfi',
      'idle',
      'inject',
      'wake',
      'interrupt',
      'hypercall',
      'hypercall',
      'end',
    ]);
    expect(eventsOf(run, 'wake')[0]?.cycle).toBe(500_000);
    expect(eventsOf(run, 'interrupt')[0]?.cause).toBe(5);
    expect(eventsOf(run, 'inject')[0]).toMatchObject({ source: 'timer', line: 0 });
  });

  it('does not exit without a hypervisor', () => {
    const run = scriptedSession({ main, interrupt }, { mode: 'native' });
    runToEnd(run);
    expect(eventsOf(run, 'exit')).toEqual([]);
    expect(eventsOf(run, 'wake')[0]?.cycle).toBe(500_000);
  });

  it('goes on at once when an interrupt is pending', () => {
    const pending = function* (hart: ScriptedHart): Script {
      hart.setCsr('mie', 2n);
      yield* sbi(hart, EID.IPI, 0n, 1n, 0n);
      yield { op: 'wfi' };
      yield* shutdown(hart);
    };
    const run = scriptedSession({ main: pending });
    expect(runToEnd(run)?.reason).toBe('poweroff');
    expect(eventsOf(run, 'idle')).toEqual([]);
  });
});

describe('turns', () => {
  it('alternate harts, with a preemption each, and stop exactly', () => {
    const order: number[] = [];
    const main = function* (hart: ScriptedHart): Script {
      if (hart.id === 0) yield* sbi(hart, EID.HSM, 0n, 1n, RAM, 0n);
      for (let step = 0; step < 50; step++) {
        order.push(hart.id);
        yield work(1_000);
      }
      if (hart.id === 0) yield* shutdown(hart);
    };
    const run = scriptedSession({ main }, { hartCount: 2 });
    expect(runToEnd(run)?.reason).toBe('poweroff');
    const turns = eventsOf(run, 'turn');
    expect(turns.slice(0, 4).map(({ hart, from }) => [hart, from])).toEqual([
      [1, 0],
      [0, 1],
      [1, 0],
      [0, 1],
    ]);
    expect(eventsOf(run, 'exit').filter(({ reason }) => reason === 'preempt').length).toBe(turns.length);
    const lengths = turns.slice(1).map((turn, index) => turn.cycle - (turns[index]?.cycle ?? 0));
    // A turn and the switch that ends it.
    expect(new Set(lengths)).toEqual(new Set([10_000 + 618]));
    expect(order.filter((hart) => hart === 1).length).toBeGreaterThan(20);
  });
});

describe('device work', () => {
  it('takes a running guest out first, and is not charged for an exit while it waits', () => {
    const main = function* (hart: ScriptedHart): Script {
      hart.setCsr('mie', 1n << 9n);
      yield { op: 'store', gpa: UART + 1, size: 1, value: 2n };
      yield work(100);
      yield* shutdown(hart);
    };
    const run = scriptedSession({ main });
    runToEnd(run);
    // The transmitter is empty when its interrupt is enabled: the line rises inside the exit of that store.
    expect(run.events.map(({ kind }) => kind)).toEqual(['input', 'mmio', 'inject', 'hypercall', 'end']);
    expect(eventsOf(run, 'inject')[0]).toMatchObject({
      source: 'uart0',
      line: 10,
      entryCycles: 0,
      handlingCycles: 3484,
    });
  });
});

describe('ends', () => {
  const endOf = (script: (hart: ScriptedHart) => Script, changes = {}, input = '') =>
    runToEnd(scriptedSession({ main: script }, changes, scriptInput(input)));

  it.each([
    [1n, 0],
    [3n, 1],
    [43n, 21],
    [0xffff_ffff_ffffn, 0xffff_ffff],
    [0x8000_1000n, 1],
  ])('by tohost %i with status %i', (value, status) => {
    expect(
      endOf(function* () {
        yield { op: 'tohost', value };
      }),
    ).toMatchObject({ reason: 'tohost', status });
  });

  it.each([
    [0x5555n, 'finisher', 0],
    [0x3333n, 'finisher', 1],
    [0x2a_3333n, 'finisher', 42],
    [0x7777n, 'reset', 0],
  ])('by the finisher %i', (value, reason, status) => {
    expect(
      endOf(function* () {
        yield { op: 'store', gpa: FINISHER, size: 4, value };
      }),
    ).toMatchObject({ reason, status });
  });

  it('when it waits with every interrupt disabled', () => {
    const end = endOf(function* () {
      yield { op: 'wfi' };
    });
    expect(end).toMatchObject({ reason: 'stuck', status: 1 });
    expect(end?.message).toContain('every interrupt disabled');
  });

  it('when nothing will ever interrupt it', () => {
    const end = endOf(function* (hart) {
      hart.setCsr('mie', 0x222n);
      yield { op: 'wfi' };
    });
    expect(end).toMatchObject({ reason: 'stuck' });
    expect(end?.message).toContain('no timer, device or input');
  });

  it('when its last hart has stopped', () => {
    const end = endOf(function* (hart) {
      yield* sbi(hart, EID.HSM, 1n);
    });
    expect(end).toMatchObject({ reason: 'stuck', message: expect.stringContaining('every hart has stopped') });
  });

  it('when it jumps to itself with interrupts off, soon', () => {
    const end = endOf(function* () {
      yield { op: 'spin' };
    });
    expect(end).toMatchObject({ reason: 'stuck', message: expect.stringContaining('jumping to itself') });
    expect(end?.cycle).toBeLessThan(3_000_000);
  });

  it('when all its harts do, whoever has the turn', () => {
    const main = function* (hart: ScriptedHart): Script {
      for (let id = 1n; hart.id === 0 && id < 4n; id++) yield* sbi(hart, EID.HSM, 0n, id, RAM, 0n);
      yield work(1_500_000);
      yield { op: 'spin' };
    };
    const run = scriptedSession({ main }, { hartCount: 4, mode: 'native' });
    const end = runToEnd(run);
    expect(end).toMatchObject({ reason: 'stuck', message: expect.stringMatching(/hart 0 .*hart 3 .*are jumping/) });
    expect(end?.cycle).toBeLessThan(10_000_000);
  });

  it('but not when one hart of several does', () => {
    const main = function* (hart: ScriptedHart): Script {
      if (hart.id === 0) yield* sbi(hart, EID.HSM, 0n, 1n, RAM, 0n);
      else yield { op: 'spin' };
      yield work(20_000_000);
      yield* shutdown(hart);
    };
    expect(runToEnd(scriptedSession({ main }, { hartCount: 2 }))).toMatchObject({ reason: 'poweroff' });
  });

  it('but not while an interrupt could end that', () => {
    const main = function* (hart: ScriptedHart): Script {
      hart.setCsr('mie', 1n << 5n);
      hart.setCsr('mstatus', 2n);
      yield { op: 'stimecmp', value: 50_000n };
      yield { op: 'spin' };
    };
    const run = scriptedSession({ main, interrupt: shutdown });
    expect(runToEnd(run)).toMatchObject({ reason: 'poweroff' });
  });

  it('at the limit, exactly', () => {
    const end = endOf(
      function* () {
        yield work(10_000_000);
      },
      { maxCycles: 123_456 },
    );
    expect(end).toMatchObject({ reason: 'max-cycles', status: 1, cycle: 123_456 });
  });

  it('at the limit, when it would wait past it', () => {
    const end = endOf(
      function* (hart) {
        hart.setCsr('mie', 1n << 5n);
        yield { op: 'stimecmp', value: 1_000_000n };
        yield { op: 'wfi' };
      },
      { maxCycles: 123_456 },
    );
    expect(end).toMatchObject({ reason: 'max-cycles', cycle: 123_456 });
  });

  it('when it polls the 16550 and no input can come', () => {
    const end = endOf(
      function* () {
        for (;;) yield* print(String.fromCharCode(yield* readUart()));
      },
      { maxCycles: 0 },
      'abc',
    );
    expect(end).toMatchObject({ reason: 'waits-for-input', message: expect.stringContaining('polling') });
  });

  it('when it polls the debug console and no input can come', () => {
    const end = endOf(
      function* (hart) {
        for (;;) yield* sbi(hart, EID.DBCN, 1n, 8n, RAM, 0n);
      },
      { maxCycles: 0 },
    );
    expect(end).toMatchObject({ reason: 'waits-for-input' });
  });

  it('when it waits by interrupt for input that has ended', () => {
    const end = endOf(function* (hart) {
      hart.setCsr('mie', 1n << 9n);
      yield { op: 'store', gpa: UART + 1, size: 1, value: 1n };
      yield { op: 'wfi' };
    });
    expect(end).toMatchObject({
      reason: 'waits-for-input',
      message: expect.stringContaining('is waiting for console input'),
    });
  });

  it('not while it counts down, polling now and then and printing in between', () => {
    const end = endOf(
      function* (hart) {
        for (let count = 0; count < 3; count++) {
          yield* print('.');
          for (let poll = 0; poll < 4_000; poll++) yield { op: 'load', gpa: UART + 5, size: 1 };
        }
        yield* shutdown(hart);
      },
      { maxCycles: 0 },
    );
    expect(end).toMatchObject({ reason: 'poweroff' });
  });

  it('not while a timer will come', () => {
    const main = function* (hart: ScriptedHart): Script {
      hart.setCsr('mie', 1n << 5n);
      hart.setCsr('mstatus', 2n);
      yield { op: 'stimecmp', value: 1_000_000n };
      for (;;) yield { op: 'load', gpa: UART + 5, size: 1 };
    };
    const run = scriptedSession({ main, interrupt: shutdown }, { maxCycles: 0 });
    expect(runToEnd(run)).toMatchObject({ reason: 'poweroff' });
  });
});

describe('console input', () => {
  it('is typed into the 16550 as the guest takes it', () => {
    const text = 'hello\n';
    const main = function* (hart: ScriptedHart): Script {
      for (let count = 0; count < text.length; count++) yield* print(String.fromCharCode(yield* readUart()));
      yield* shutdown(hart);
    };
    const run = scriptedSession({ main }, {}, scriptInput(text));
    expect(runToEnd(run)?.reason).toBe('poweroff');
    expect(run.output.uart0).toBe(text);
    expect(run.inputs.map(({ via, bytes }) => [via, bytes.length])).toEqual([
      ...Array.from(text, () => ['pull', 1]),
      ['push', 0],
    ]);
    expect(eventsOf(run, 'input').map(({ lengthBytes }) => lengthBytes)).toEqual([1, 1, 1, 1, 1, 1, 0]);
  });

  it('is not given to a driver that only polls before it sends, nor lost when it sets the device up', () => {
    const main = function* (hart: ScriptedHart): Script {
      for (const byte of new TextEncoder().encode('banner')) {
        yield { op: 'load', gpa: UART + 5, size: 1 };
        yield { op: 'store', gpa: UART, size: 1, value: BigInt(byte) };
      }
      yield { op: 'load', gpa: UART + 5, size: 1 };
      yield { op: 'store', gpa: UART + 2, size: 1, value: 7n };
      yield* print(String.fromCharCode(yield* readUart()));
      yield* shutdown(hart);
    };
    const run = scriptedSession({ main }, {}, scriptInput('x'));
    runToEnd(run);
    expect(run.output.uart0).toBe('bannerx');
  });

  it('interrupts a guest that waits for it', () => {
    const got: bigint[] = [];
    const main = function* (hart: ScriptedHart): Script {
      hart.setCsr('mie', 1n << 9n);
      hart.setCsr('mstatus', 2n);
      yield { op: 'store', gpa: 0x0c00_0028, size: 4, value: 1n };
      yield { op: 'store', gpa: 0x0c00_2080, size: 4, value: 1n << 10n };
      yield { op: 'store', gpa: UART + 1, size: 1, value: 1n };
      while (got.length < 3) yield { op: 'wfi' };
      yield* shutdown(hart);
    };
    const interrupt = function* (): Script {
      const source = yield { op: 'load', gpa: 0x0c20_1004, size: 4 };
      got.push(yield { op: 'load', gpa: UART, size: 1 });
      yield { op: 'store', gpa: 0x0c20_1004, size: 4, value: source };
    };
    const run = scriptedSession({ main, interrupt }, {}, scriptInput('abc'));
    expect(runToEnd(run)?.reason).toBe('poweroff');
    expect(String.fromCharCode(...got.map(Number))).toBe('abc');
    // Nobody ran when the bytes came: nobody had to be taken out.
    expect(eventsOf(run, 'exit').every(({ reason }) => reason === 'wfi')).toBe(true);
  });
});

describe('configuration', () => {
  const start = (changes: object) => () => scriptedSession({ main: shutdown }, changes);

  it.each([
    [{ mode: 'nothing' }, /unknown mode 'nothing'.*native, full, hvm, hvm-pv, pvh, pv/],
    [{ mode: 'pvh', entry: 'm' }, /cannot start a guest with '--entry m'/],
    [{ core: 'z80' }, /unknown core profile 'z80'.*rocket, u74/],
    [{ costs: 'free' }, /unknown cost profile 'free'/],
    [{ hartCount: 9 }, /1 to 8/],
    [{ hartCount: 0 }, /1 to 8/],
    [{ memoryBytes: 12_345 }, /memory/],
    [{ quantumCycles: 0 }, /quantum/],
  ])('%j is refused', (changes, message) => {
    expect(start(changes)).toThrow(message);
  });

  it('has room for six drives', () => {
    const drives = (count: number) => Array.from({ length: count }, () => new Uint8Array(512));
    expect(() => scriptedSession({ main: shutdown }, {}, undefined, drives(6))).not.toThrow();
    expect(() => scriptedSession({ main: shutdown }, {}, undefined, drives(7))).toThrow(/7 drives/);
  });
});
