/** System reset (§10). Shutdown and both reboots end the run; there is nothing to reboot into. */
import { asU32, failure, type SbiExtension } from './sbi-types.ts';

/** Reset types (§10.1, table 23). */
export const RESET_TYPE = { shutdown: 0, coldReboot: 1, warmReboot: 2 } as const;
/** Reset reasons (§10.1, table 24). */
export const RESET_REASON = { none: 0, systemFailure: 1 } as const;

export const SRST: SbiExtension = {
  eid: 0x53525354,
  name: 'SRST',
  functions: {
    0: {
      name: 'system_reset',
      args: ['reset_type', 'reset_reason'],
      cost: 'hypercallUser',
      handler: (host, _caller, [type, reason]) => {
        const isReset = asU32(type) <= RESET_TYPE.warmReboot;
        const isReason = asU32(reason) <= RESET_REASON.systemFailure;
        // Reserved values, and platform-specific ones that are not implemented (§10.1, table 25).
        if (!isReset || !isReason) return failure('INVALID_PARAM');
        const kind = asU32(type) === RESET_TYPE.shutdown ? 'shutdown' : 'reboot';
        host.resetSystem(kind, asU32(reason) === RESET_REASON.systemFailure);
        return 'no-return';
      },
    },
  },
};
