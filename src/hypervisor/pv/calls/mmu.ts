/** Calls that change page tables and what is loaded of them (docs/abi.md, "Page tables"). */
import { PAGE_BYTES } from '../../shadow/guest-tables.ts';
import type { PvCall } from '../pv-call.ts';
import type { Halves, PvDomain } from '../pv-domain.ts';
import { PV_ERROR, type PvError } from '../pv-errors.ts';
import { BATCH_MAX, type CallHandler } from './call-row.ts';

const UPDATE_WORDS = 4;
/** In bits 1 and 0 of the pointer of an update. */
const PRESERVE_AD = 2;
const EXTENDED_WORDS = 6;
const COPY_LINE_BYTES = 64;

const FLUSH = { none: 0, all: 1, address: 2 } as const;

const MMUEXT = {
  pinL1: 0,
  pinL2: 1,
  pinL3: 2,
  unpin: 4,
  newBaseptr: 5,
  flushLocal: 6,
  invalidateLocal: 7,
  flushAll: 10,
  invalidateAll: 11,
  newUserBaseptr: 15,
  clearPage: 16,
  copyPage: 17,
} as const;

/** `mmu_update(requests, count)`. */
export const mmuUpdate: CallHandler<PvDomain> = (domain, _vcpu, call) => {
  const requests = batch(domain, call.number(0), call.number(1), UPDATE_WORDS);
  if (typeof requests === 'number') return requests;
  for (let at = 0; at < requests.length; at += UPDATE_WORDS) {
    const { low, high } = halvesAt(requests, at);
    const pointer = high * 0x1_0000_0000 + low;
    const kind = pointer % 4;
    domain.charge(call, 'mmuUpdate');
    const error =
      kind !== 0 && kind !== PRESERVE_AD
        ? PV_ERROR.EINVAL
        : domain.paging.update(pointer - kind, halvesAt(requests, at + 2), kind === PRESERVE_AD);
    if (error !== 0) return error;
    call.tableWrites++;
    call.value++;
  }
  return 0;
};

/** `update_va_mapping(va, entry, flags)`. */
export const updateVaMapping: CallHandler<PvDomain> = (domain, vcpu, call) => {
  const va = { low: call.low(0), high: call.high(0) };
  const flags = call.number(2);
  const root = domain.vcpu(vcpu).kernelRoot;
  domain.charge(call, 'vaMapping');
  if (flags !== FLUSH.none && flags !== FLUSH.all && flags !== FLUSH.address) return PV_ERROR.EINVAL;
  if (root === undefined || !isCanonical(va)) return PV_ERROR.EINVAL;
  const pa = domain.paging.leafEntryPa(root, va);
  if (pa === undefined) return PV_ERROR.EINVAL;
  const error = domain.paging.update(pa, { low: call.low(1), high: call.high(1) });
  if (error !== 0) return error;
  call.tableWrites++;
  if (flags !== FLUSH.none) call.flushes++;
  if (flags === FLUSH.all) domain.machine.flushTranslations(vcpu);
  else if (flags === FLUSH.address) domain.machine.virtualization.flushAddress(vcpu, va.low, va.high);
  return 0;
};

/** `mmuext_op(operations, count)`. */
export const mmuextOp: CallHandler<PvDomain> = (domain, vcpu, call) => {
  const operations = batch(domain, call.number(0), call.number(1), EXTENDED_WORDS);
  if (typeof operations === 'number') return operations;
  for (let at = 0; at < operations.length; at += EXTENDED_WORDS) {
    const error = extended(domain, vcpu, call, {
      command: halvesAt(operations, at).low,
      first: halvesAt(operations, at + 2),
      second: halvesAt(operations, at + 4),
    });
    if (error !== 0) return error;
    call.value++;
  }
  return 0;
};

interface Operation {
  readonly command: number;
  readonly first: Halves;
  readonly second: Halves;
}

function extended(domain: PvDomain, vcpu: number, call: PvCall, { command, first, second }: Operation): PvError | 0 {
  const { paging, machine } = domain;
  switch (command) {
    case MMUEXT.pinL1:
    case MMUEXT.pinL2:
    case MMUEXT.pinL3:
      return charged(
        domain,
        call,
        onFrame(first, (frame) => paging.pin(frame, (command + 1) as 1 | 2 | 3)),
      );
    case MMUEXT.unpin:
      return charged(
        domain,
        call,
        onFrame(first, (frame) => paging.unpin(frame)),
      );
    case MMUEXT.newBaseptr:
      domain.charge(call, 'newBaseptr');
      return charged(
        domain,
        call,
        onFrame(first, (frame) => {
          const error = domain.loadKernelRoot(vcpu, frame);
          if (error === 0) call.rootLoads++;
          return error;
        }),
      );
    case MMUEXT.newUserBaseptr: {
      domain.charge(call, 'newBaseptr');
      const isNone = first.low === 0 && first.high === 0;
      return charged(
        domain,
        call,
        isNone ? domain.loadUserRoot(vcpu, undefined) : onFrame(first, (frame) => domain.loadUserRoot(vcpu, frame)),
      );
    }
    case MMUEXT.flushLocal:
      domain.charge(call, 'tlbFlush');
      call.flushes++;
      machine.flushTranslations(vcpu);
      return 0;
    case MMUEXT.invalidateLocal:
      domain.charge(call, 'tlbFlush');
      call.flushes++;
      machine.virtualization.flushAddress(vcpu, first.low, first.high);
      return 0;
    case MMUEXT.flushAll:
      remotely(domain, call, (hart) => machine.flushTranslations(hart));
      return 0;
    case MMUEXT.invalidateAll:
      remotely(domain, call, (hart) => machine.virtualization.flushAddress(hart, first.low, first.high));
      return 0;
    case MMUEXT.clearPage:
      return onFrame(first, (frame) => fillPage(domain, call, frame, undefined));
    case MMUEXT.copyPage:
      return onFrame(first, (frame) => onFrame(second, (source) => fillPage(domain, call, frame, source)));
    default:
      return PV_ERROR.ENOSYS;
  }
}

/** Charges what tables were validated and given up on the way, and passes the outcome on. */
function charged(domain: PvDomain, call: PvCall, outcome: PvError | 0): PvError | 0 {
  domain.charge(call, 'pinEntry', domain.paging.takeValidated());
  domain.charge(call, 'unpinEntry', domain.paging.takeReleased());
  return outcome;
}

function remotely(domain: PvDomain, call: PvCall, flush: (hart: number) => void): void {
  for (const { id } of domain.machine.harts) flush(id);
  call.flushes++;
  domain.charge(call, 'tlbFlush');
  domain.charge(call, 'remoteHart', domain.machine.harts.length - 1);
}

/** @param source undefined: zeros */
function fillPage(domain: PvDomain, call: PvCall, frame: number, source: number | undefined): PvError | 0 {
  const { paging, machine } = domain;
  if (!paging.types.owns(frame) || (source !== undefined && !paging.types.owns(source))) return PV_ERROR.EPERM;
  if (!paging.isWritable(frame * PAGE_BYTES, PAGE_BYTES)) return PV_ERROR.EBUSY;
  domain.charge(call, 'copyLine', PAGE_BYTES / COPY_LINE_BYTES);
  const bytes =
    source === undefined ? new Uint8Array(PAGE_BYTES) : machine.memory.readBytes(source * PAGE_BYTES, PAGE_BYTES);
  machine.memory.writeBytes(frame * PAGE_BYTES, bytes);
  return 0;
}

/** The frame that an argument is the address of. */
function onFrame({ low, high }: Halves, work: (frame: number) => PvError | 0): PvError | 0 {
  if (low % PAGE_BYTES !== 0) return PV_ERROR.EINVAL;
  return work((high * 0x1_0000_0000 + low) / PAGE_BYTES);
}

/** A copy of the operations of a batch, or an error. */
function batch(domain: PvDomain, pa: number, count: number, entryWords: number): Uint32Array | PvError {
  if (count > BATCH_MAX) return PV_ERROR.E2BIG;
  return domain.buffers.copyWords(pa, count * entryWords * 4) ?? PV_ERROR.EFAULT;
}

function halvesAt(words: Uint32Array, at: number): Halves {
  return { low: words[at] as number, high: words[at + 1] as number };
}

/** Sv39: bits 63 to 38 are all equal. */
function isCanonical({ high }: Halves): boolean {
  const upper = (high | 0) >> 6;
  return upper === 0 || upper === -1;
}
