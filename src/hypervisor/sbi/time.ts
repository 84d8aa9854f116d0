/**
 * Timer extension (§6). The machine has Sstc, so a timer set here is the hart's `stimecmp`, as KVM and OpenSBI do it: the pending bit
 * clears at once if the time lies ahead, and expiry interrupts the hart without a call in between.
 */
import { must } from '../../assert.ts';
import { type SbiExtension, success } from './sbi-types.ts';

export const TIME: SbiExtension = {
  eid: 0x54494d45,
  name: 'TIME',
  functions: {
    0: {
      name: 'set_timer',
      args: ['stime_value'],
      cost: 'hypercallKernel',
      handler: (host, caller, [time]) => {
        must(host.machine.harts[caller], 'the caller is a hart').setCsr('stimecmp', time);
        host.timerChanged(caller);
        return success();
      },
    },
  },
};
