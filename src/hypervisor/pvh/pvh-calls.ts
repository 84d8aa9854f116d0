/**
 * The table of calls of mode `pvh`, by Xen's numbers: the guest has a processor of its own, so what is left to ask for is events. Page tables,
 * callbacks and `iret` are its own hardware's, and their calls are not served.
 */
import type { CallHandler, CallTable } from '../pv/calls/call-row.ts';
import { COMMON_CALLS } from '../pv/calls/common-calls.ts';
import { eventChannelOp } from '../pv/calls/events.ts';
import { SCHEDOP, schedOp } from '../pv/calls/system.ts';
import { PV_ERROR } from '../pv/pv-errors.ts';
import { DOMAIN } from '../pv/pv-layout.ts';
import { PAGE_BYTES } from '../shadow/guest-tables.ts';
import type { PvhDomain } from './pvh-domain.ts';

const XENMEM_ADD_TO_PHYSMAP = 7;
const XENMAPSPACE_SHARED_INFO = 0;
/** `struct xen_add_to_physmap`: u16 domid, u16 size, u32 space, u64 idx, u64 gpfn. */
const ADD_TO_PHYSMAP = { domain: 0, space: 4, index: 8, frame: 16, sizeBytes: 24 } as const;
const PHYSDEVOP_EOI = 12;
const EOI_BYTES = 4;

/** `memory_op(operation, argument)`: puts the shared-info page where the guest wants it in its memory. */
const memoryOp: CallHandler<PvhDomain> = (domain, _vcpu, call) => {
  if (call.number(0) !== XENMEM_ADD_TO_PHYSMAP) return PV_ERROR.ENOSYS;
  const given = domain.buffers.copy(call.number(1), ADD_TO_PHYSMAP.sizeBytes);
  if (given === undefined) return PV_ERROR.EFAULT;
  const owner = given.getUint16(ADD_TO_PHYSMAP.domain, true);
  if (owner !== DOMAIN.self && owner !== DOMAIN.guest) return PV_ERROR.EPERM;
  const isSharedInfo =
    given.getUint32(ADD_TO_PHYSMAP.space, true) === XENMAPSPACE_SHARED_INFO &&
    given.getBigUint64(ADD_TO_PHYSMAP.index, true) === 0n;
  if (!isSharedInfo) return PV_ERROR.EINVAL;
  return domain.placeSharedInfo(Number(given.getBigUint64(ADD_TO_PHYSMAP.frame, true)) * PAGE_BYTES);
};

/** `physdev_op(operation, argument)`: the guest has served a line of a device. */
const physdevOp: CallHandler<PvhDomain> = (domain, _vcpu, call) => {
  if (call.number(0) !== PHYSDEVOP_EOI) return PV_ERROR.ENOSYS;
  const given = domain.buffers.copy(call.number(1), EOI_BYTES);
  if (given === undefined) return PV_ERROR.EFAULT;
  return domain.events.endOfPirq(given.getUint32(0, true));
};

/** A poll would have to be woken by what its vCPU has masked, which is the hardware's to say here. */
const schedule: CallHandler<PvhDomain> = (domain, vcpu, call) =>
  call.number(0) === SCHEDOP.poll ? PV_ERROR.ENOSYS : schedOp(domain, vcpu, call);

/** Events have nowhere to be marked before the shared-info page is placed. The timer is the hart's own. */
const channels: CallHandler<PvhDomain> = (domain, vcpu, call) =>
  domain.shared.place === undefined ? PV_ERROR.ENOENT : eventChannelOp(domain, vcpu, call);

export const PVH_CALLS: CallTable<PvhDomain> = {
  ...COMMON_CALLS,
  12: { name: 'memory_op', args: ['operation', 'argument'], exit: 'hypercallKernel', handler: memoryOp },
  29: { ...COMMON_CALLS[29], handler: schedule },
  32: { ...COMMON_CALLS[32], handler: channels },
  33: { name: 'physdev_op', args: ['operation', 'argument'], exit: 'hypercallKernel', handler: physdevOp },
};
