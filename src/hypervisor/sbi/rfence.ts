/**
 * Remote fence extension (§8). Harts share one physical core, so a remote fence is done when the call returns. The fence is coarse:
 * every cached translation of a target goes, whatever the range and ASID, which the privileged architecture allows.
 * A remote FENCE.I has nothing left to do: stores take effect on instruction fetch at once on this machine.
 */
import { hartsOfMask } from './hart-mask.ts';
import { failure, type SbiExtension, type SbiFunction, type SbiHost, success } from './sbi-types.ts';

const WHOLE_SPACE = 0xffff_ffff_ffff_ffffn;

export const RFENCE: SbiExtension = {
  eid: 0x52464e43,
  name: 'RFENCE',
  functions: {
    0: fence('remote_fence_i', [], () => {}),
    1: fence('remote_sfence_vma', ['start_addr', 'size'], flush),
    2: fence('remote_sfence_vma_asid', ['start_addr', 'size', 'asid'], flush),
    3: hypervisorFence('remote_hfence_gvma_vmid', ['start_addr', 'size', 'vmid']),
    4: hypervisorFence('remote_hfence_gvma', ['start_addr', 'size']),
    5: hypervisorFence('remote_hfence_vvma_asid', ['start_addr', 'size', 'asid']),
    6: hypervisorFence('remote_hfence_vvma', ['start_addr', 'size']),
  },
};

function flush(host: SbiHost, target: number): void {
  host.machine.flushTranslations(target);
}

function fence(name: string, range: readonly string[], act: (host: SbiHost, target: number) => void): SbiFunction {
  return {
    name,
    args: ['hart_mask', 'hart_mask_base', ...range],
    cost: 'hypercallKernel',
    handler: (host, caller, [mask, base, start, size]) => {
      const targets = hartsOfMask(mask, base, host.harts.count);
      if (targets === undefined) return failure('INVALID_PARAM');
      if (range.length > 0 && wraps(start, size)) return failure('INVALID_ADDRESS');
      const reached = targets.filter((target) => !host.harts.isStopped(target));
      for (const target of reached) act(host, target);
      host.reachHarts(reached.filter((target) => target !== caller).length);
      return success();
    },
  };
}

/** A size of all ones means the whole address space (§8); any other range must not run past its end. */
function wraps(start: bigint, size: bigint): boolean {
  return size !== WHOLE_SPACE && start + size > WHOLE_SPACE + 1n;
}

/** Only for harts with the hypervisor extension, which these do not have (§8.4 to §8.7). */
function hypervisorFence(name: string, range: readonly string[]): SbiFunction {
  return {
    name,
    args: ['hart_mask', 'hart_mask_base', ...range],
    cost: 'hypercallKernel',
    handler: () => failure('NOT_SUPPORTED'),
  };
}
