/** `device_op(operation, argument)` (docs/abi.md, "Rings"). */
import type { PvDomain } from '../pv-domain.ts';
import { PV_ERROR } from '../pv-errors.ts';
import type { CallHandler } from './call-row.ts';

const DEVICE_OPERATION = { connect: 0, disconnect: 1 } as const;
const CONNECT = { type: 0, index: 4, ring: 8, secondRing: 12, port: 16, sizeBytes: 24 } as const;
const DISCONNECT_BYTES = 8;

/** `device_op(operation, argument)`. */
export const deviceOp: CallHandler<PvDomain> = (domain, _vcpu, call) => {
  const pa = call.number(1);
  switch (call.number(0)) {
    case DEVICE_OPERATION.connect: {
      const given = domain.buffers.copy(pa, CONNECT.sizeBytes);
      if (given === undefined || !domain.buffers.isWritable(pa, CONNECT.sizeBytes)) return PV_ERROR.EFAULT;
      const [type, index, ring, second] = [CONNECT.type, CONNECT.index, CONNECT.ring, CONNECT.secondRing].map((at) =>
        given.getUint32(at, true),
      ) as [number, number, number, number];
      const connected = domain.devices.connect(type, index, [ring, second]);
      if ('error' in connected) return connected.error;
      domain.buffers.write32(pa + CONNECT.port, connected.port);
      return 0;
    }
    case DEVICE_OPERATION.disconnect: {
      const given = domain.buffers.copy(pa, DISCONNECT_BYTES);
      if (given === undefined) return PV_ERROR.EFAULT;
      return domain.devices.disconnect(given.getUint32(0, true), given.getUint32(4, true));
    }
    default:
      return PV_ERROR.ENOSYS;
  }
};
