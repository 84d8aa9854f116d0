/** The table of calls of mode `pv`, by Xen's numbers. Dispatch and prices come from it. */
import type { PvDomain } from '../pv-domain.ts';
import type { CallTable } from './call-row.ts';
import { COMMON_CALLS } from './common-calls.ts';
import { deviceOp } from './devices.ts';
import { grantTableOp } from './grants.ts';
import { mmuextOp, mmuUpdate, updateVaMapping } from './mmu.ts';
import { iret, setCallbacks, setTimerOp } from './system.ts';

export const PV_CALLS: CallTable<PvDomain> = {
  ...COMMON_CALLS,
  1: { name: 'mmu_update', args: ['requests', 'count'], exit: 'hypercallKernel', handler: mmuUpdate },
  4: {
    name: 'set_callbacks',
    args: ['event', 'trap', 'syscall'],
    exit: 'hypercallKernel',
    handler: setCallbacks,
  },
  14: {
    name: 'update_va_mapping',
    args: ['va', 'entry', 'flags'],
    exit: 'hypercallKernel',
    handler: updateVaMapping,
  },
  15: { name: 'set_timer_op', args: ['deadline'], exit: 'hypercallKernel', handler: setTimerOp },
  20: {
    name: 'grant_table_op',
    args: ['operation', 'array', 'count'],
    exit: 'hypercallKernel',
    handler: grantTableOp,
  },
  23: { name: 'iret', args: [], exit: 'iret', inBatch: () => false, handler: iret },
  26: { name: 'mmuext_op', args: ['operations', 'count'], exit: 'hypercallKernel', handler: mmuextOp },
  48: { name: 'device_op', args: ['operation', 'argument'], exit: 'hypercallKernel', handler: deviceOp },
};
