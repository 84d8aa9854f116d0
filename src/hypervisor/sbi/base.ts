/** Base extension (§4): which SBI this is, and what it offers. Every function succeeds. */
import { type SbiExtension, type SbiFunction, type SbiHost, success } from './sbi-types.ts';

/** Version 2.0: major in bits 30:24, minor below. */
export const SBI_SPEC_VERSION = 0x0200_0000n;
/**
 * "PT". The specification hands out implementation ids one by one (0 to 11 when this was written) and reserves none for
 * experiments, so this one is far from those.
 */
export const SBI_IMPLEMENTATION_ID = 0x5054n;
/** Major in bits 31:16, minor below. */
export const SBI_IMPLEMENTATION_VERSION = 0x0000_0001n;

/** @param offers whether a host offers an extension, this one included. */
export function baseExtension(offers: (host: SbiHost, eid: bigint) => boolean): SbiExtension {
  const query = (name: string, answer: (host: SbiHost) => bigint): SbiFunction => ({
    name,
    args: [],
    cost: 'hypercallKernel',
    handler: (host) => success(answer(host)),
  });
  const machineCsr = (csr: string) => (host: SbiHost) => host.machine.harts[0]?.csr(csr) ?? 0n;
  return {
    eid: 0x10,
    name: 'BASE',
    functions: {
      0: query('get_spec_version', () => SBI_SPEC_VERSION),
      1: query('get_impl_id', () => SBI_IMPLEMENTATION_ID),
      2: query('get_impl_version', () => SBI_IMPLEMENTATION_VERSION),
      3: {
        name: 'probe_extension',
        args: ['extension_id'],
        cost: 'hypercallKernel',
        handler: (host, _caller, [eid]) => success(offers(host, eid) ? 1n : 0n),
      },
      4: query('get_mvendorid', machineCsr('mvendorid')),
      5: query('get_marchid', machineCsr('marchid')),
      6: query('get_mimpid', machineCsr('mimpid')),
    },
  };
}
