/** What a guest does to end its run, and how that is said. */
import type { FinishRequest } from '../machine/devices/test-finisher.ts';
import type { RunEnd } from './vm-ports.ts';

const U32_MAX = 0xffff_ffffn;

/** What ended a run, before it has a position. */
export type Ending = Pick<RunEnd, 'reason' | 'status' | 'message'>;

/** The guest wrote `value` to `tohost`: 1 is success, an odd number a failure with its code above bit 0. */
export function tohostEnding(value: bigint): Ending {
  if (value === 1n) return { reason: 'tohost', status: 0, message: 'the guest reported success through tohost' };
  if (value % 2n === 0n) {
    const request = `0x${value.toString(16)}`;
    const message = `the guest wrote ${request} to tohost: a host-interface request, which is not served`;
    return { reason: 'tohost', status: 1, message };
  }
  const code = value >> 1n;
  const status = Number(code < U32_MAX ? code : U32_MAX);
  return { reason: 'tohost', status, message: `the guest reported failure ${code} through tohost` };
}

/** The guest wrote to the test finisher. */
export function finisherEnding({ kind, code }: FinishRequest): Ending {
  if (kind === 'reset') {
    return { reason: 'reset', status: 0, message: 'the guest asked for a reset through the test finisher' };
  }
  if (kind === 'pass') {
    return { reason: 'finisher', status: 0, message: 'the guest reported success through the test finisher' };
  }
  const message = `the guest reported failure ${code} through the test finisher`;
  return { reason: 'finisher', status: code === 0 ? 1 : code, message };
}

/** The guest called the SBI's system reset. */
export function resetEnding(kind: 'shutdown' | 'reboot', failed: boolean): Ending {
  const how = `the guest asked for ${kind === 'shutdown' ? 'shutdown' : 'reboot'} by the SBI`;
  const why = failed ? ' because of a system failure' : '';
  return { reason: kind === 'shutdown' ? 'poweroff' : 'reset', status: failed ? 1 : 0, message: how + why };
}
