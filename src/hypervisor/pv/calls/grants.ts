/** `grant_table_op(operation, array, count)` (docs/abi.md, "Grants"). Each element has a status of its own; the call fails only as a whole. */
import { PAGE_BYTES } from '../../shadow/guest-tables.ts';
import type { CopySide } from '../grant-maps.ts';
import { GNTST, GRANT_FRAMES_MAX, GTF } from '../grant-table.ts';
import type { PvCall } from '../pv-call.ts';
import type { PvDomain } from '../pv-domain.ts';
import { PV_ERROR } from '../pv-errors.ts';
import { BATCH_MAX, type CallHandler } from './call-row.ts';

const COPY_LINE_BYTES = 64;
/** In the flags of a side of a copy. */
const COPY_REFERENCE = 1;

interface Operation {
  readonly sizeBytes: number;
  /** Offset of the status. */
  readonly status: number;
  /** Serves one element, whose copy it is given; `pa` is where results go. */
  readonly serve: (domain: PvDomain, vcpu: number, call: PvCall, element: DataView, pa: number) => number;
}

const OPERATIONS: Readonly<Record<number, Operation>> = {
  // map_grant_ref: u64 va, u32 flags, u32 ref, u32 domid; i32 status, u32 handle
  0: {
    sizeBytes: 32,
    status: 20,
    serve: (domain, vcpu, call, element, pa) => {
      domain.charge(call, 'grantMap');
      const mapped = domain.maps.map(domain.vcpu(vcpu).kernelRoot, halves(element), {
        reference: element.getUint32(12, true),
        domain: element.getUint32(16, true),
        readonly: (element.getUint32(8, true) & GTF.readonly) !== 0,
      });
      if (!('handle' in mapped)) return mapped.status;
      const { low, high } = halves(element);
      domain.machine.virtualization.flushAddress(vcpu, low, high);
      domain.buffers.write32(pa + 24, mapped.handle);
      return GNTST.okay;
    },
  },
  // unmap_grant_ref: u64 va, u32 handle; i32 status
  1: {
    sizeBytes: 16,
    status: 12,
    serve: (domain, vcpu, call, element) => {
      domain.charge(call, 'grantUnmap');
      const va = halves(element);
      const status = domain.maps.unmap(domain.vcpu(vcpu).kernelRoot, va, element.getUint32(8, true));
      if (status === GNTST.okay) domain.machine.virtualization.flushAddress(vcpu, va.low, va.high);
      return status;
    },
  },
  // setup_table: u32 frames, u32 0, u64 array; i32 status
  2: { sizeBytes: 24, status: 16, serve: (domain, _vcpu, _call, element) => setUpTable(domain, element) },
  // copy: source, destination, u16 length, u16 0; i32 status
  5: {
    sizeBytes: 40,
    status: 36,
    serve: (domain, _vcpu, call, element) => {
      const lengthBytes = element.getUint16(32, true);
      domain.charge(call, 'grantCopy');
      const status = domain.maps.copy(sideAt(element, 0), sideAt(element, 16), lengthBytes);
      if (status === GNTST.okay) domain.charge(call, 'copyLine', Math.ceil(lengthBytes / COPY_LINE_BYTES));
      return status;
    },
  },
};

export const grantTableOp: CallHandler<PvDomain> = (domain, vcpu, call) => {
  const operation = OPERATIONS[call.number(0)];
  if (operation === undefined) return PV_ERROR.ENOSYS;
  const [pa, count] = [call.number(1), call.number(2)];
  if (count > BATCH_MAX) return PV_ERROR.E2BIG;
  const { sizeBytes, status, serve } = operation;
  const elements = domain.buffers.copy(pa, count * sizeBytes);
  if (elements === undefined) return PV_ERROR.EFAULT;
  for (let index = 0; index < count; index++) {
    const at = pa + index * sizeBytes;
    if (!domain.paging.isWritable(at, sizeBytes)) return PV_ERROR.EFAULT;
    const element = new DataView(elements.buffer, elements.byteOffset + index * sizeBytes, sizeBytes);
    domain.buffers.write32(at + status, serve(domain, vcpu, call, element, at));
    call.value++;
  }
  return 0;
};

function setUpTable(domain: PvDomain, element: DataView): number {
  const count = element.getUint32(0, true);
  if (count === 0 || count > GRANT_FRAMES_MAX) return GNTST.generalError;
  const addresses = domain.buffers.copy(Number(element.getBigUint64(8, true)), count * 8);
  if (addresses === undefined) return GNTST.generalError;
  const frames = Array.from({ length: count }, (_, index) => {
    return Number(addresses.getBigUint64(index * 8, true)) / PAGE_BYTES;
  });
  return frames.every(Number.isSafeInteger) ? domain.grants.setUp(frames) : GNTST.generalError;
}

function sideAt(element: DataView, at: number): CopySide {
  return {
    value: Number(element.getBigUint64(at, true)),
    domain: element.getUint32(at + 8, true),
    offset: element.getUint16(at + 12, true),
    isReference: (element.getUint16(at + 14, true) & COPY_REFERENCE) !== 0,
  };
}

function halves(element: DataView): { low: number; high: number } {
  return { low: element.getUint32(0, true), high: element.getUint32(4, true) };
}
