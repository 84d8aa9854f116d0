/**
 * What modes say of their operations, compared with the events of real runs: every event that is made is named, at the price that is named
 * for it, and everything that is named is made by some run. Prices are numbers that tell primitives apart.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { handlingsOf, purposeOf } from '../../src/analysis/causes.ts';
import { SBI_NAMES } from '../../src/analysis/sbi-names.ts';
import { reasonOf } from '../../src/analysis/stat.ts';
import { must } from '../../src/assert.ts';
import type { PreparedRun } from '../../src/cli/machine-options.ts';
import type { AvoidedOperation } from '../../src/hypervisor/avoided-exits.ts';
import { COST_PRIMITIVE_NAMES, type CostPrimitive, type CostProfile, costProfile } from '../../src/hypervisor/costs.ts';
import { isPriced, type PricedEvent, type VmEvent } from '../../src/hypervisor/events.ts';
import { MODES } from '../../src/hypervisor/modes/modes.ts';
import { type EmittedEvent, isEmitted } from '../../src/hypervisor/modes/operations.ts';
import { createMachine } from '../../src/machine/create-machine.ts';
import { MODE_NAMES, type ModeName } from '../../src/session/config.ts';
import { ScriptInput } from '../../src/session/inputs.ts';
import { Session } from '../../src/session/session.ts';
import { assemble } from '../support/assembler.ts';
import { preparedGuest } from '../support/prepared-guest.ts';

/** The work of a primitive is this times a number of its own, of which none is the sum of two. */
const WORK_UNIT = 101;
const FIRST_WORK = 50;

/** Three parts for each primitive: no two primitives have the same first or last part, and no sum of a few is another. */
function tellingCosts(): CostProfile {
  const profile = costProfile('rocket-kvm-2023');
  const fact = (cycles: number) => ({ cycles, status: 'U', source: 'test' }) as const;
  const primitives = COST_PRIMITIVE_NAMES.map((name, index) => {
    const parts = {
      entry: fact(101 + index),
      handling: fact(WORK_UNIT * (FIRST_WORK + index)),
      return: fact(301 + index),
    };
    return [name, parts] as const;
  });
  return { ...profile, primitives: Object.fromEntries(primitives) as CostProfile['primitives'] };
}

const COSTS = tellingCosts();
const CYCLES_MAX = 1_000_000_000;

/**
 * What the tour does not get to where it finds no rings, and what no bundled guest does: a load from where nothing is, an instruction that
 * is none, a second hart, a timer that expires while the guest runs, an interrupt to the other hart. And, where there are event channels to be asked
 * for, upcalls masked and let in, and a turn given up. Paging stays off.
 */
const CORNERS = assemble(
  `la t0, handler
  csrrw x0, stvec, t0
  li t0, 0x40000000
  ld t1, 0(t0)
  .word 0
  li a7, 0x48534d
  li a6, 0
  li a0, 1
  la a1, second
  ecall
  csrrs t0, time, x0
  addi t0, t0, 1000
  csrrw x0, stimecmp, t0
  li t0, 120000
turns: addi t0, t0, -1
  bne t0, x0, turns
  li a7, 0x735049
  li a0, 2
  li a1, 0
  ecall
  li a7, 0x08505654
  li a6, 12
  li a0, 7
  la a1, placement
  li t0, 0x7ff0
  sd t0, 0(a1)
  sd x0, 8(a1)
  la t1, shared
  srli t0, t1, 12
  sd t0, 16(a1)
  ecall
  li t0, 1
  sb t0, 1(t1)
  sb x0, 1(t1)
  li a6, 29
  li a0, 0
  ecall
  li a7, 0x53525354
  li a6, 0
  li a0, 0
  ecall
second: addi t0, t0, 1
  j second
  .align 2
handler: csrrs t2, sepc, x0
  addi t2, t2, 4
  csrrw x0, sepc, t2
  sret
  .align 4096
shared: .dword 0
  .align 4096
placement: .dword 0
  .dword 0
  .dword 0`,
  0x8020_0000,
);

function guestOf(mode: ModeName, guest: string, args: readonly string[]): Pick<PreparedRun, 'config' | 'images'> {
  if (guest !== 'corners') return preparedGuest(guest, mode, args);
  const { config, images } = preparedGuest('mini-os', mode, args);
  return { config, images: { ...images, guest: CORNERS.bytes } };
}

/** Distinct priced events of a run, each once for every price it had. @param avoided gets the exits that it was spared */
function priced(
  mode: ModeName,
  guest: string,
  args: readonly string[],
  avoided: Set<AvoidedOperation>,
): readonly PricedEvent[] {
  const { config, images } = guestOf(mode, guest, args);
  const found = new Map<string, PricedEvent>();
  const event = (event: VmEvent): void => {
    if (event.kind === 'avoidedExit') avoided.add(event.operation as AvoidedOperation);
    if (!isPriced(event)) return;
    const { kind, entryCycles, handlingCycles, returnCycles } = event;
    found.set([kind, reasonOf(event, SBI_NAMES), entryCycles, handlingCycles, returnCycles].join(' '), event);
  };
  const observer = { event, input: () => {}, digest: () => {}, end: () => {} };
  const ports = { input: new ScriptInput(new Uint8Array()), observer, console: { write: () => {} } };
  const session = new Session(config, images, ports, (machine) => createMachine(machine, 'translator'), COSTS);
  session.run(CYCLES_MAX);
  // The tour goes as far as it gets without rings.
  const status = guest === 'ring-tour' && MODES[mode]?.devices.deviceSet === 'emulated' ? 1 : 0;
  expect(session.end, `${guest} ${args.join(' ')} in ${mode}`).toMatchObject({ reason: 'poweroff', status });
  return [...found.values()];
}

const PV_RUNS: readonly (readonly [guest: string, ...args: string[]])[] = [
  ['mini-os', '--workload', 'fork', '--iterations', '5'],
  ['mini-os', '--workload', 'ctxsw', '--iterations', '20'],
  ['mini-os', '--workload', 'tick', '--iterations', '3'],
  ['mini-os', '--workload', 'compute', '--iterations', '60'],
  ['mini-os', '--workload', 'mix', '--iterations', '2'],
  ['mini-os', '--workload', 'net-stream', '--iterations', '64'],
];
/** What paravirtual runs here do not come to: test/hypervisor/pv/ has exceptions, and no bundled guest runs on several vCPUs. */
const PV_UNSEEN = ['exception: exit exception', 'preemption: exit preempt'];

/** mini-os loads one address space in a call, and that is what the call's exit stands for: test/hypervisor/pv/avoided-exits.test.ts. */
const PV_NOT_AVOIDED = ['address-space-switch'];

const RUNS: readonly (readonly [guest: string, ...args: string[]])[] = [
  ['mini-os', '--workload', 'mix', '--iterations', '2'],
  ['mini-os', '--workload', 'tick', '--iterations', '3'],
  ['corners', '--harts', '2', '--quantum', '20000'],
  ['ring-tour', '--harts', '4', '--quantum', '20000'],
];

/** Whether the event is charged what is said of it. */
function isPricedAs(event: PricedEvent, { costs, work = [] }: EmittedEvent): boolean {
  const { entryCycles, handlingCycles, returnCycles } = event;
  if (costs.length === 0) return entryCycles + handlingCycles + returnCycles === 0;
  return costs.some((name) => {
    const { entry, handling, return: back } = COSTS.primitives[name];
    const returns = returnCycles === back.cycles || (event.kind === 'hypercall' && returnCycles === 0);
    return entryCycles === entry.cycles && returns && isSumOf(handlingCycles - handling.cycles, work);
  });
}

/** Whether a number of cycles is some number of times each of some primitives: all of them are multiples of one unit. */
function isSumOf(cycles: number, work: readonly CostPrimitive[]): boolean {
  if (cycles < 0 || cycles % WORK_UNIT !== 0) return false;
  const units = cycles / WORK_UNIT;
  const steps = work.map((name) => COSTS.primitives[name].handling.cycles / WORK_UNIT);
  const isReached = [true];
  for (let sum = 1; sum <= units; sum++) isReached[sum] = steps.some((step) => isReached[sum - step] === true);
  return isReached[units] === true;
}

describe.each(MODE_NAMES)('mode %s', (name) => {
  const mode = must(MODES[name], 'a mode');
  const named = handlingsOf(mode).flatMap(([operation, { events }]) => events.map((event) => ({ operation, event })));
  const avoided = new Set<AvoidedOperation>();
  let events: readonly PricedEvent[];

  beforeAll(() => {
    events = (mode.isParavirtual ? PV_RUNS : RUNS).flatMap(([guest, ...args]) => priced(name, guest, args, avoided));
  });

  it('names every event that it makes, with its price', () => {
    const wrong = events.filter((event) => {
      const reason = reasonOf(event, SBI_NAMES);
      const first = named.find((candidate) => isEmitted(candidate.event, event.kind, reason));
      return first === undefined || !isPricedAs(event, first.event);
    });
    expect(wrong.map((event) => ({ ...event, reason: reasonOf(event, SBI_NAMES) }))).toEqual([]);
  });

  it('makes every event that it names', () => {
    const made = new Set(
      events.map((event) => {
        const reason = reasonOf(event, SBI_NAMES);
        return named.find((candidate) => isEmitted(candidate.event, event.kind, reason));
      }),
    );
    const missing = named.filter((candidate) => !made.has(candidate));
    expect(missing.map(({ operation, event }) => `${operation}: ${event.kind} ${event.reason}`)).toEqual(
      mode.isParavirtual ? PV_UNSEEN : [],
    );
  });

  it('has no event for what does not occur, and none of a hypervisor for what hardware does', () => {
    for (const [, { by, events }] of handlingsOf(mode)) {
      if (by === 'nobody') expect(events).toEqual([]);
      if (by === 'hypervisor') expect(events.length).toBeGreaterThan(0);
      else for (const { kind } of events) expect(kind).not.toBe('exit');
    }
  });

  it('names the exits that it avoids, and avoids all that it names', () => {
    const { privileged, interrupts, devices } = mode;
    const named = [...privileged.avoids, ...interrupts.avoids, ...devices.avoids];
    expect([...avoided, ...(mode.isParavirtual ? PV_NOT_AVOIDED : [])].sort()).toEqual([...named].sort());
  });

  it('gives each event one purpose', () => {
    for (const event of events) {
      const purpose = purposeOf(mode, event.kind, reasonOf(event, SBI_NAMES));
      expect(purpose).toBeDefined();
      expect(purpose?.cause === undefined).toBe(
        name === 'native' || (purpose?.operation === 'timer' && ['hvm', 'hvm-pv', 'pvh'].includes(name)),
      );
    }
  });
});
