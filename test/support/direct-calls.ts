/** Calls that are made directly on a domain, without a guest. */
import { HartStates } from '../../src/hypervisor/harts.ts';
import type { PvCall } from '../../src/hypervisor/pv/pv-call.ts';
import type { SbiHost } from '../../src/hypervisor/sbi/sbi-types.ts';
import type { Machine } from '../../src/machine/machine-types.ts';

export const PAGE = 4096;

/** Sets the arguments of a call; those that are not given are 0. */
export function setArguments(call: PvCall, args: readonly (number | bigint)[]): void {
  call.words.fill(0);
  args.forEach((argument, index) => {
    const value = BigInt.asUintN(64, BigInt(argument));
    call.words[2 * index] = Number(value & 0xffff_ffffn);
    call.words[2 * index + 1] = Number(value >> 32n);
  });
}

/** What the SBI reaches, with nothing behind it but what a test puts there. */
export function quietSbiHost(machine: Machine, hartCount: number, own: Partial<SbiHost>): SbiHost {
  return {
    machine,
    harts: new HartStates(hartCount, 1),
    stealTime: undefined,
    writeConsole: () => {},
    readConsole: () => new Uint8Array(),
    sendIpi: () => {},
    reachHarts: () => {},
    timerChanged: () => {},
    startHart: () => {},
    stopHart: () => {},
    suspendHart: () => {},
    mark: () => {},
    resetSystem: () => {},
    ...own,
  };
}
