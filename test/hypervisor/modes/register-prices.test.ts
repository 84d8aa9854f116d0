/**
 * What an access to a device register is charged, by mode: the hypervisor serves those of the interrupt controller itself, and the claim register has
 * prices of its own.
 */
import { describe, expect, it } from 'vitest';
import { must } from '../../../src/assert.ts';
import { costProfile, type ExitCost } from '../../../src/hypervisor/costs.ts';
import type { ExitHost } from '../../../src/hypervisor/modes/mode.ts';
import { MODES } from '../../../src/hypervisor/modes/modes.ts';

const costs = costProfile('kvm-x86-2016');

/** The price that the access was served at. */
function charged(mode: string, device: string, register: string | undefined, isWrite: boolean): ExitCost {
  const served: ExitCost[] = [];
  const host: Pick<ExitHost, 'costs' | 'serveAccess'> = {
    costs,
    serveAccess: (_hart, _register, cost) => void served.push(cost),
  };
  must(MODES[mode], 'a mode').devices.access(host as ExitHost, 0, device, register, isWrite);
  expect(served).toHaveLength(1);
  return must(served[0], 'an access');
}

describe.each(['full', 'hvm', 'pvh'])('%s', (mode) => {
  const { irqClaim, irqComplete, mmioKernel, mmioUser } = costs.primitives;
  expect(irqClaim, 'prices that can be told apart').not.toEqual(irqComplete);

  it.each(['claim[0]', 'claim[1]', 'claim[15]'])(
    'charges a read of %s as a claim, a write as a completion',
    (register) => {
      expect(charged(mode, 'plic', register, false)).toBe(irqClaim);
      expect(charged(mode, 'plic', register, true)).toBe(irqComplete);
    },
  );

  it.each(['priority[10]', 'pending[1]', 'enable[1][0]', 'threshold[1]'])(
    'charges %s to the controller in the hypervisor',
    (register) => {
      expect(charged(mode, 'plic', register, false)).toBe(mmioKernel);
      expect(charged(mode, 'plic', register, true)).toBe(mmioKernel);
    },
  );

  it.each([
    ['uart0', 'LSR'],
    ['clint', 'msip[0]'],
    ['e1000', 'claim[1]'],
    ['plic', undefined],
  ])('charges %s.%s to the device model', (device, register) => {
    expect(charged(mode, device, register, false)).toBe(mmioUser);
    expect(charged(mode, device, register, true)).toBe(mmioUser);
  });
});

it('charges a notification of a ring to the hypervisor', () => {
  expect(charged('pvh', 'virtio0', 'QueueNotify', true)).toBe(costs.primitives.mmioKernel);
  expect(charged('hvm', 'virtio0', 'QueueNotify', true)).toBe(costs.primitives.mmioUser);
});

it('charges no exit for real devices', () => {
  expect(charged('native', 'plic', 'claim[1]', false)).toBe(costs.primitives.nativeAccess);
});
