/** System suspend (§13): suspend-to-RAM, the one sleep type whose presence the extension implies. */
import { asU32, failure, isEntryPoint, type SbiExtension } from './sbi-types.ts';

const SUSPEND_TO_RAM = 0;

export const SUSP: SbiExtension = {
  eid: 0x53555350,
  name: 'SUSP',
  functions: {
    0: {
      name: 'system_suspend',
      args: ['sleep_type', 'resume_addr', 'opaque'],
      cost: 'hypercallUser',
      handler: (host, caller, [type, resume, opaque]) => {
        if (asU32(type) !== SUSPEND_TO_RAM) return failure('INVALID_PARAM');
        if (!isEntryPoint(host, resume)) return failure('INVALID_ADDRESS');
        // Entry requires every other hart to be stopped (§13, table 36).
        for (let hart = 0; hart < host.harts.count; hart++) {
          if (hart !== caller && !host.harts.isStopped(hart)) return failure('DENIED');
        }
        host.suspendHart(caller, { pc: resume, opaque });
        return 'no-return';
      },
    },
  },
};
