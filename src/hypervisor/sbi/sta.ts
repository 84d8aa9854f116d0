/**
 * Steal-time accounting (§16). Offered where a hypervisor withholds harts: not by firmware.
 *
 * The shared memory must lie in RAM, and may not be a page table of a paravirtual guest.
 */
import { STEAL_RECORD_BYTES } from '../steal-time.ts';
import { failure, ramAddress, type SbiExtension, success } from './sbi-types.ts';

const ALL_ONES = 2n ** 64n - 1n;

export const STA: SbiExtension = {
  eid: 0x535441,
  name: 'STA',
  isOffered: (host) => host.stealTime !== undefined,
  functions: {
    0: {
      name: 'steal_time_set_shmem',
      args: ['shmem_phys_lo', 'shmem_phys_hi', 'flags'],
      cost: 'hypercallKernel',
      handler: (host, caller, [low, high, flags]) => {
        const { stealTime } = host;
        if (stealTime === undefined) return failure('NOT_SUPPORTED');
        if (flags !== 0n) return failure('INVALID_PARAM');
        if (low === ALL_ONES && high === ALL_ONES) {
          stealTime.end(caller);
          return success();
        }
        if (low % BigInt(STEAL_RECORD_BYTES) !== 0n) return failure('INVALID_PARAM');
        const pa = high === 0n ? ramAddress(host, low, STEAL_RECORD_BYTES) : undefined;
        if (pa === undefined || !stealTime.begin(caller, pa)) return failure('INVALID_ADDRESS');
        return success();
      },
    },
  },
};
