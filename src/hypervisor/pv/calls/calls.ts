/** The table of calls, by Xen's numbers. Dispatch, prices, and the names in reports all come from it. */
import { PvCall } from '../pv-call.ts';
import type { PvDomain } from '../pv-domain.ts';
import { PV_ERROR, pvErrorName } from '../pv-errors.ts';
import type { CallHandler, CallRow } from './call-row.ts';
import { deviceOp } from './devices.ts';
import { eventChannelOp } from './events.ts';
import { grantTableOp } from './grants.ts';
import { mmuextOp, mmuUpdate, updateVaMapping } from './mmu.ts';
import { consoleIo, iret, SCHEDOP, schedOp, setCallbacks, setTimerOp, xenVersion } from './system.ts';

const MULTICALL_MAX = 512;
const ENTRY_BYTES = 64;
const RESULT_OFFSET = 8;
/** Where arguments are, in words: the number of the call stands first. */
const ARGUMENT_WORD = 4;

/** `multicall(entries, count)`. Goes on after an entry that fails, and stops only where its result cannot be written. */
const multicall: CallHandler = (domain, vcpu, call) => {
  const [pa, count] = [call.number(0), call.number(1)];
  if (count > MULTICALL_MAX) return PV_ERROR.E2BIG;
  const entries = domain.buffers.copyWords(pa, count * ENTRY_BYTES);
  if (entries === undefined) return PV_ERROR.EFAULT;
  const inner = new PvCall();
  for (let index = 0; index < count; index++) {
    const at = index * ENTRY_BYTES;
    const first = at / 4 + ARGUMENT_WORD;
    for (let word = 0; word < inner.words.length; word++) inner.words[word] = entries[first + word] as number;
    // Asked anew each time: an entry may have made a table of the page that its results go to.
    if (!domain.buffers.isWritable(pa + at + RESULT_OFFSET, 8)) return PV_ERROR.EFAULT;
    domain.charge(call, 'multicall');
    const result = serveEntry(domain, vcpu, operationAt(entries, at / 4), inner);
    call.cycles += inner.cycles;
    call.tableWrites += inner.tableWrites;
    call.rootLoads += inner.rootLoads;
    call.flushes += inner.flushes;
    if (!domain.buffers.isWritable(pa + at + RESULT_OFFSET, 8)) return PV_ERROR.EFAULT;
    domain.buffers.write32(pa + at + RESULT_OFFSET, result);
    domain.buffers.write32(pa + at + RESULT_OFFSET + 4, result < 0 ? -1 : Math.floor(result / 0x1_0000_0000));
    call.value++;
  }
  return 0;
};

export const PV_CALLS: Readonly<Record<number, CallRow>> = {
  1: { name: 'mmu_update', args: ['requests', 'count'], exit: 'hypercallKernel', handler: mmuUpdate },
  4: {
    name: 'set_callbacks',
    args: ['event', 'trap', 'syscall'],
    exit: 'hypercallKernel',
    handler: setCallbacks,
  },
  13: {
    name: 'multicall',
    args: ['entries', 'count'],
    exit: 'hypercallKernel',
    inBatch: () => false,
    handler: multicall,
  },
  14: {
    name: 'update_va_mapping',
    args: ['va', 'entry', 'flags'],
    exit: 'hypercallKernel',
    handler: updateVaMapping,
  },
  15: { name: 'set_timer_op', args: ['deadline'], exit: 'hypercallKernel', handler: setTimerOp },
  17: { name: 'xen_version', args: ['what'], exit: 'hypercallKernel', handler: xenVersion },
  18: { name: 'console_io', args: ['operation', 'count', 'buffer'], exit: 'hypercallKernel', handler: consoleIo },
  20: {
    name: 'grant_table_op',
    args: ['operation', 'array', 'count'],
    exit: 'hypercallKernel',
    handler: grantTableOp,
  },
  23: { name: 'iret', args: [], exit: 'iret', inBatch: () => false, handler: iret },
  26: { name: 'mmuext_op', args: ['operations', 'count'], exit: 'hypercallKernel', handler: mmuextOp },
  29: {
    name: 'sched_op',
    args: ['operation', 'argument'],
    exit: (call) => (isWait(call) ? 'schedBlock' : 'hypercallKernel'),
    inBatch: (call) => !isWait(call),
    handler: schedOp,
  },
  32: { name: 'event_channel_op', args: ['operation', 'argument'], exit: 'hypercallKernel', handler: eventChannelOp },
  48: { name: 'device_op', args: ['operation', 'argument'], exit: 'hypercallKernel', handler: deviceOp },
};

/** Serves one call. Whatever the guest asks for, it ends with a result or an error. */
export function servePvCall(domain: PvDomain, vcpu: number, row: CallRow | undefined, call: PvCall): number {
  call.start();
  return row === undefined ? PV_ERROR.ENOSYS : row.handler(domain, vcpu, call);
}

export function pvCallRow(number: number): CallRow | undefined {
  return Object.hasOwn(PV_CALLS, number) ? PV_CALLS[number] : undefined;
}

/** `mmu_update`; for what is not served, its number. */
export function pvCallName(number: bigint): string {
  return pvCallRow(Number(number))?.name ?? number.toString();
}

export function pvArgumentNames(number: bigint): readonly string[] {
  return pvCallRow(Number(number))?.args ?? [];
}

/** `okay` for 0, `-EINVAL`. */
export function pvOutcomeName(error: bigint): string {
  if (error === 0n) return 'okay';
  const name = pvErrorName(Number(error));
  return name === undefined ? `error ${error}` : `-${name}`;
}

/** The value of an entry, or its error. */
function serveEntry(domain: PvDomain, vcpu: number, number: number, call: PvCall): number {
  const row = pvCallRow(number);
  call.start();
  if (row?.inBatch !== undefined && !row.inBatch(call)) return PV_ERROR.EINVAL;
  const error = servePvCall(domain, vcpu, row, call);
  return error === 0 ? call.value : error;
}

function operationAt(entries: Uint32Array, word: number): number {
  return (entries[word + 1] as number) * 0x1_0000_0000 + (entries[word] as number);
}

function isWait(call: PvCall): boolean {
  return call.number(0) === SCHEDOP.block || call.number(0) === SCHEDOP.poll;
}
