import type { EventNames } from '../../src/analysis/names.ts';

/** Made-up names of SBI calls. */
export const NAMES: EventNames = {
  sbiFunction: (eid, fid) => (eid === 0x4442434en ? `DBCN.${fid}` : `0x${eid.toString(16)}.${fid}`),
  sbiError: (error) => (error === 0n ? 'SBI_SUCCESS' : `error ${error}`),
  sbiArguments: (eid) => (eid === 0x4442434en ? ['num_bytes', 'base_addr_lo', 'base_addr_hi'] : []),
};
