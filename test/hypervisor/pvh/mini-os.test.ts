/** mini-os takes its interrupts by event channels in `pvh`, and from the emulated PLIC in `hvm-pv`: the same work, and what each interrupt costs. */
import { describe, expect, it } from 'vitest';
import { SBI_NAMES } from '../../../src/analysis/sbi-names.ts';
import { reasonOf } from '../../../src/analysis/stat.ts';
import { isPriced, type VmEvent } from '../../../src/hypervisor/events.ts';
import { createMachine } from '../../../src/machine/create-machine.ts';
import { ScriptInput } from '../../../src/session/inputs.ts';
import { Session } from '../../../src/session/session.ts';
import { preparedGuest } from '../../support/prepared-guest.ts';

const CYCLES_MAX = 1_000_000_000;
/** More work by the difference: what starting takes falls out. */
const [FEW, MANY] = [20, 60];

interface Counts {
  /** Times that the guest was left. */
  exits: number;
  /** Of these, accesses to registers; others depend on when an interrupt finds the guest. */
  accesses: number;
  plic: number;
  /** Interrupts of devices. */
  interrupts: number;
  acknowledged: number;
}

function countsOf(mode: 'hvm-pv' | 'pvh', workload: string, iterations: number): Counts {
  const { config, images } = preparedGuest('mini-os', mode, ['--workload', workload, '--iterations', `${iterations}`]);
  const counts: Counts = { exits: 0, accesses: 0, plic: 0, interrupts: 0, acknowledged: 0 };
  const event = (event: VmEvent) => {
    const reason = isPriced(event) ? reasonOf(event, SBI_NAMES) : '';
    if (event.kind === 'exit' || event.kind === 'mmio' || event.kind === 'hypercall') counts.exits++;
    if (event.kind === 'mmio') counts.accesses++;
    if (event.kind === 'mmio' && event.device === 'plic') counts.plic++;
    if (event.kind === 'inject' && reason.startsWith('virtio')) counts.interrupts++;
    if (event.kind === 'avoidedExit' && event.operation === 'interrupt-acknowledge') counts.acknowledged++;
  };
  const observer = { event, input: () => {}, digest: () => {}, end: () => {} };
  const ports = { input: new ScriptInput(new Uint8Array()), observer, console: { write: () => {} } };
  const session = new Session(config, images, ports, (machine) => createMachine(machine, 'translator'));
  session.run(CYCLES_MAX);
  expect(session.end).toMatchObject({ reason: 'poweroff', status: 0 });
  return counts;
}

/** What the additional iterations took. */
function more(mode: 'hvm-pv' | 'pvh', workload: string): Counts {
  const [few, many] = [FEW, MANY].map((iterations) => countsOf(mode, workload, iterations)) as [Counts, Counts];
  return {
    exits: many.exits - few.exits,
    accesses: many.accesses - few.accesses,
    plic: many.plic - few.plic,
    interrupts: many.interrupts - few.interrupts,
    acknowledged: many.acknowledged - few.acknowledged,
  };
}

describe.each(['disk-read', 'disk-write', 'net-rr'])('%s', (workload) => {
  it('leaves the guest three times less for each interrupt: two claims, the second of which finds none, and a completion', () => {
    const [registers, events] = [more('hvm-pv', workload), more('pvh', workload)];
    expect(registers.interrupts).toBeGreaterThanOrEqual(MANY - FEW);
    expect(events.interrupts).toBe(registers.interrupts);
    expect(registers.plic).toBe(3 * registers.interrupts);
    expect(registers.accesses - events.accesses).toBe(3 * registers.interrupts);
    expect(events.exits).toBeLessThan(registers.exits - 2 * registers.interrupts);
    expect(events.acknowledged).toBe(events.interrupts);
    expect(registers.acknowledged).toBe(0);
  });
});

it.each(['tick', 'net-rr', 'disk-read', 'compute'])('touches the interrupt controller in no part of %s', (workload) => {
  const [registers, events] = [countsOf('hvm-pv', workload, 2), countsOf('pvh', workload, 2)];
  expect(registers.plic).toBeGreaterThan(0);
  expect(events.plic).toBe(0);
  expect(events.exits).toBeLessThan(registers.exits);
});
