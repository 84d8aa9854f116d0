/**
 * Hart state management (§9). The two default suspend types are implemented; no platform-specific type exists.
 * A hart resumes from a suspend when an interrupt that it has enabled in `sie` becomes pending.
 */
import { asU32, failure, isEntryPoint, type SbiExtension, type SbiHost, success } from './sbi-types.ts';

/** Suspend types (§9.4, table 19). */
export const SUSPEND_TYPE = { retentive: 0x0000_0000, nonRetentive: 0x8000_0000 } as const;

export const HSM: SbiExtension = {
  eid: 0x48534d,
  name: 'HSM',
  functions: {
    0: {
      name: 'hart_start',
      args: ['hartid', 'start_addr', 'opaque'],
      cost: 'hypercallKernel',
      handler: (host, _caller, [hartid, start, opaque]) => {
        const target = validHart(host, hartid);
        if (target === undefined) return failure('INVALID_PARAM');
        if (!host.harts.isStopped(target)) return failure('ALREADY_AVAILABLE');
        if (!isEntryPoint(host, start)) return failure('INVALID_ADDRESS');
        host.startHart(target, start, opaque);
        return success();
      },
    },
    1: {
      name: 'hart_stop',
      args: [],
      cost: 'hypercallKernel',
      handler: (host, caller) => {
        host.stopHart(caller);
        return 'no-return';
      },
    },
    2: {
      name: 'hart_get_status',
      args: ['hartid'],
      cost: 'hypercallKernel',
      handler: (host, _caller, [hartid]) => {
        const target = validHart(host, hartid);
        return target === undefined ? failure('INVALID_PARAM') : success(BigInt(host.harts.stateOf(target)));
      },
    },
    3: {
      name: 'hart_suspend',
      args: ['suspend_type', 'resume_addr', 'opaque'],
      cost: 'hypercallKernel',
      handler: (host, caller, [type, resume, opaque]) => {
        switch (asU32(type)) {
          case SUSPEND_TYPE.retentive:
            host.suspendHart(caller, undefined);
            return success();
          case SUSPEND_TYPE.nonRetentive:
            if (!isEntryPoint(host, resume)) return failure('INVALID_ADDRESS');
            host.suspendHart(caller, { pc: resume, opaque });
            return 'no-return';
          default:
            return failure('INVALID_PARAM');
        }
      },
    },
  },
};

function validHart(host: SbiHost, hartid: bigint): number | undefined {
  return hartid < BigInt(host.harts.count) ? Number(hartid) : undefined;
}
