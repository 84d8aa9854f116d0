/** What events stand for under emulation, against real runs: the steps of a paravirtual run and the exits of the unmodified kernel at the same work. */
import { describe, expect, it } from 'vitest';
import { type EmulationTarget, emulationSteps, isPartOfCall, unitsOf } from '../../src/analysis/emulation-steps.ts';
import { SBI_NAMES } from '../../src/analysis/sbi-names.ts';
import { reasonOf } from '../../src/analysis/stat.ts';
import type { CostPrimitive } from '../../src/hypervisor/costs.ts';
import { isPriced, type VmEvent } from '../../src/hypervisor/events.ts';
import { createMachine } from '../../src/machine/create-machine.ts';
import type { ModeName } from '../../src/session/config.ts';
import { ScriptInput } from '../../src/session/inputs.ts';
import { Session } from '../../src/session/session.ts';
import { preparedGuest } from '../support/prepared-guest.ts';

const CYCLES_MAX = 1_000_000_000;
const ROLES: Readonly<Record<string, string>> = {
  'pv-block0 0': 'block',
  'pv-net0 0': 'network in',
  'pv-net0 1': 'network out',
};

function eventsOf(mode: ModeName, workload: string, iterations: number): readonly VmEvent[] {
  const { config, images } = preparedGuest('mini-os', mode, ['--workload', workload, '--iterations', `${iterations}`]);
  const events: VmEvent[] = [];
  const observer = {
    event: (event: VmEvent) => void events.push(event),
    input: () => {},
    digest: () => {},
    end: () => {},
  };
  const ports = { input: new ScriptInput(new Uint8Array()), observer, console: { write: () => {} } };
  const session = new Session(config, images, ports, (machine) => createMachine(machine, 'translator'));
  session.run(CYCLES_MAX);
  expect(session.end).toMatchObject({ reason: 'poweroff', status: 0 });
  return events;
}

/** How often each primitive occurs in the steps of a paravirtual run. */
function stepsOf(events: readonly VmEvent[], target: EmulationTarget): Map<CostPrimitive, number> {
  const counts = new Map<CostPrimitive, number>();
  for (const event of events) {
    const name = isPriced(event) ? reasonOf(event, SBI_NAMES) : event.kind === 'avoidedExit' ? event.operation : '';
    const role = 'queue' in event ? (ROLES[`${event.device} ${event.queue}`] ?? '') : '';
    const subject = { kind: event.kind, name, role };
    if (isPartOfCall(subject)) continue;
    for (const { primitive, per, times } of emulationSteps('pv', target, subject)) {
      counts.set(primitive, (counts.get(primitive) ?? 0) + unitsOf(event, per) * times);
    }
  }
  return counts;
}

const countOf = (events: readonly VmEvent[], wanted: (event: VmEvent, reason: string) => boolean): number =>
  events.filter((event) => wanted(event, isPriced(event) ? reasonOf(event, SBI_NAMES) : '')).length;

const isTick = ({ kind }: VmEvent, reason: string): boolean => kind === 'inject' && reason === 'virq-timer';

/** More work by this much: what starting takes is the same in both runs, and falls out. */
const [FEW, MANY] = [20, 60];

describe.each(['full', 'hvm'] as const)('mini-os in %s', (target) => {
  it.each(['disk-read', 'disk-write', 'net-rr', 'net-stream', 'syscall', 'ctxsw'])(
    'touches the registers and CSRs at %s that its paravirtual events stand for',
    (workload) => {
      const paravirtual = [FEW, MANY].map((count) => eventsOf('pv', workload, count));
      const steps = paravirtual.map((events) => stepsOf(events, target));
      const real = [FEW, MANY].map((count) => eventsOf(target, workload, count));
      const expected = (primitive: CostPrimitive): number =>
        (steps[1]?.get(primitive) ?? 0) - (steps[0]?.get(primitive) ?? 0);
      const found = (wanted: (event: VmEvent, reason: string) => boolean): number =>
        countOf(real[1] ?? [], wanted) - countOf(real[0] ?? [], wanted);
      const isClaim = (reason: string) => reason.includes('.claim[');
      expect(expected('mmioUser')).toBe(found(({ kind }, reason) => kind === 'mmio' && !isClaim(reason)));
      expect(expected('irqClaim')).toBe(found((_, reason) => isClaim(reason) && reason.endsWith('read')));
      expect(expected('irqComplete')).toBe(found((_, reason) => isClaim(reason) && reason.endsWith('write')));
      // A run that takes longer is interrupted by more ticks, which its steps cannot know.
      const ticks = found(({ kind }, reason) => kind === 'inject' && reason === 'timer');
      const ticksBefore = countOf(paravirtual[1] ?? [], isTick) - countOf(paravirtual[0] ?? [], isTick);
      const more = target === 'full' ? ticks - ticksBefore : 0;
      expect(expected('sret') + more).toBe(found((_, reason) => reason === 'sret'));
      expect(expected('syscallBounce')).toBe(found((_, reason) => reason === 'syscall'));
      expect(expected('satpCached')).toBe(found((_, reason) => reason === 'csr satp'));
    },
  );
});

it('takes events of a hardware-assisted guest for the claims of the interrupt controller that they spare it', () => {
  const acknowledged = { kind: 'avoidedExit', name: 'interrupt-acknowledge', role: 'block' } as const;
  for (const target of ['full', 'hvm'] as const) {
    expect(emulationSteps('pvh', target, acknowledged).map(({ primitive }) => primitive)).toEqual([
      'irqClaim',
      'irqComplete',
    ]);
  }
  const masked = { ...acknowledged, name: 'interrupt-mask' };
  expect(emulationSteps('pvh', 'full', masked).map(({ primitive }) => primitive)).toEqual(['csrAccess']);
  expect(emulationSteps('pvh', 'hvm', masked)).toEqual([]);
});

it('has nothing to say of runs that emulate', () => {
  const subject = { kind: 'notify', name: '', role: 'block' } as const;
  expect(emulationSteps('hvm', 'full', subject)).toEqual([]);
  expect(emulationSteps('native', 'full', subject)).toEqual([]);
  expect(emulationSteps('pvh', 'hvm', subject)).not.toEqual([]);
});
