/** IPI extension (§7): supervisor software interrupts. A valid hart that is stopped cannot take one and is passed over. */
import { hartsOfMask } from './hart-mask.ts';
import { failure, type SbiExtension, success } from './sbi-types.ts';

export const IPI: SbiExtension = {
  eid: 0x735049,
  name: 'IPI',
  functions: {
    0: {
      name: 'send_ipi',
      args: ['hart_mask', 'hart_mask_base'],
      cost: 'hypercallKernel',
      handler: (host, _caller, [mask, base]) => {
        const targets = hartsOfMask(mask, base, host.harts.count);
        if (targets === undefined) return failure('INVALID_PARAM');
        for (const target of targets) {
          if (!host.harts.isStopped(target)) host.sendIpi(target);
        }
        return success();
      },
    },
  },
};
