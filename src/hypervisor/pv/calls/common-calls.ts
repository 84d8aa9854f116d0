/** Calls that mean the same in every mode that has the interface. */
import type { PvCall } from '../pv-call.ts';
import type { CallTable } from './call-row.ts';
import { eventChannelOp } from './events.ts';
import { multicall } from './multicall.ts';
import { consoleIo, SCHEDOP, schedOp, xenVersion } from './system.ts';

export const COMMON_CALLS = {
  13: {
    name: 'multicall',
    args: ['entries', 'count'],
    exit: 'hypercallKernel',
    inBatch: () => false,
    handler: multicall,
  },
  17: { name: 'xen_version', args: ['what'], exit: 'hypercallKernel', handler: xenVersion },
  18: { name: 'console_io', args: ['operation', 'count', 'buffer'], exit: 'hypercallKernel', handler: consoleIo },
  29: {
    name: 'sched_op',
    args: ['operation', 'argument'],
    exit: (call) => (isWait(call) ? 'schedBlock' : 'hypercallKernel'),
    inBatch: (call) => !isWait(call),
    handler: schedOp,
  },
  32: { name: 'event_channel_op', args: ['operation', 'argument'], exit: 'hypercallKernel', handler: eventChannelOp },
} as const satisfies CallTable;

function isWait(call: PvCall): boolean {
  return call.number(0) === SCHEDOP.block || call.number(0) === SCHEDOP.poll;
}
