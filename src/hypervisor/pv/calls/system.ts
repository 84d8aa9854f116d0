/** Calls for callbacks, scheduling, time, the console and the version (docs/abi.md, "Calls"). */
import { AFTERWARDS, type PvCall } from '../pv-call.ts';
import type { Halves, PvDomain } from '../pv-domain.ts';
import { PV_ERROR, type PvError } from '../pv-errors.ts';
import { PV_VERSION } from '../pv-layout.ts';
import type { CallDomain, CallHandler } from './call-row.ts';

export const SCHEDOP = { yield: 0, block: 1, shutdown: 2, poll: 3 } as const;
/** Most ports of one poll, as in Xen. */
const POLL_PORTS_MAX = 128;
const POLL_BYTES = 24;
const SHUTDOWN = { poweroff: 0, reboot: 1, crash: 3 } as const;
const CONSOLEIO = { write: 0, read: 1 } as const;
/** Most bytes of one call; a longer one does as much. */
export const CONSOLE_CALL_BYTES_MAX = 65_536;
const ALL_ONES = 0xffff_ffff;
/** The virtual time that never comes, for a comparator. */
const NEVER = 0xffff_ffff_ffff_ffffn;

/** `set_callbacks(event, trap, syscall)`: virtual addresses; 0: not set. */
export const setCallbacks: CallHandler<PvDomain> = (domain, vcpu, call) => {
  const { callbacks } = domain.vcpu(vcpu);
  callbacks.event = addressOf(call, 0);
  callbacks.trap = addressOf(call, 1);
  callbacks.syscall = addressOf(call, 2);
  return 0;
};

/** `set_timer_op(deadline)`: in ticks of `time`. */
export const setTimerOp: CallHandler<PvDomain> = (domain, vcpu, call) => {
  const [low, high] = [call.low(0), call.high(0)];
  const isNever = low === ALL_ONES && high === ALL_ONES;
  domain.charge(call, 'timerSet');
  domain.hart(vcpu).setCsr('stimecmp', isNever ? NEVER : (BigInt(high) << 32n) | BigInt(low));
  domain.sbi.timerChanged(vcpu);
  return 0;
};

/** `xen_version(0)`. */
export const xenVersion: CallHandler = (_domain, _vcpu, call) => {
  if (call.number(0) !== 0) return PV_ERROR.ENOSYS;
  call.value = PV_VERSION;
  return 0;
};

/** `console_io(operation, count, buffer)`. The value is how many bytes it was. */
export const consoleIo: CallHandler = (domain, _vcpu, call) => {
  const operation = call.number(0);
  if (operation !== CONSOLEIO.write && operation !== CONSOLEIO.read) return PV_ERROR.ENOSYS;
  const [count, pa] = [call.number(1), call.number(2)];
  if (operation === CONSOLEIO.write) {
    const length = Math.min(count, CONSOLE_CALL_BYTES_MAX);
    const copy = domain.machine.memory.contains(pa, count) ? domain.buffers.copy(pa, length) : undefined;
    if (copy === undefined) return PV_ERROR.EFAULT;
    if (length > 0) domain.sbi.writeConsole(new Uint8Array(copy.buffer, copy.byteOffset, length));
    call.value = length;
    return 0;
  }
  if (!domain.buffers.isWritable(pa, count)) return PV_ERROR.EFAULT;
  if (count === 0) return 0;
  const bytes = domain.sbi.readConsole(Math.min(count, CONSOLE_CALL_BYTES_MAX));
  domain.buffers.write(pa, bytes);
  call.value = bytes.length;
  return 0;
};

/** `sched_op(operation, argument)`. */
export const schedOp: CallHandler = (domain, _vcpu, call) => {
  switch (call.number(0)) {
    case SCHEDOP.yield:
      call.afterwards = AFTERWARDS.yield;
      return 0;
    case SCHEDOP.block:
      call.afterwards = AFTERWARDS.block;
      return 0;
    case SCHEDOP.shutdown: {
      const reason = call.number(1);
      if (reason !== SHUTDOWN.poweroff && reason !== SHUTDOWN.reboot && reason !== SHUTDOWN.crash) {
        return PV_ERROR.EINVAL;
      }
      domain.sbi.resetSystem(reason === SHUTDOWN.reboot ? 'reboot' : 'shutdown', reason === SHUTDOWN.crash);
      return 0;
    }
    case SCHEDOP.poll:
      return poll(domain, call);
    default:
      return PV_ERROR.ENOSYS;
  }
};

/** `{u64 ports, u32 count, u32 0, u64 timeout}`: waits until one of the ports is pending, masked or not, or until that `time`; 0: no limit. */
function poll(domain: CallDomain, call: PvCall): PvError | 0 {
  const request = domain.buffers.copy(call.number(1), POLL_BYTES);
  if (request === undefined) return PV_ERROR.EFAULT;
  const count = request.getUint32(8, true);
  if (count > POLL_PORTS_MAX) return PV_ERROR.EINVAL;
  const list = domain.buffers.copy(Number(request.getBigUint64(0, true)), 4 * count);
  if (list === undefined) return PV_ERROR.EFAULT;
  const ports = Array.from({ length: count }, (_, index) => list.getUint32(4 * index, true));
  if (!ports.every((port) => domain.events.isBound(port))) return PV_ERROR.EINVAL;
  if (ports.some((port) => domain.shared.isPortPending(port))) return 0;
  const timeout = request.getBigUint64(16, true);
  call.polled = ports;
  call.pollEndTicks = timeout === 0n ? Number.POSITIVE_INFINITY : Number(timeout);
  call.afterwards = AFTERWARDS.poll;
  return 0;
}

/** `iret()`. */
export const iret: CallHandler = (_domain, _vcpu, call) => {
  call.afterwards = AFTERWARDS.iret;
  return 0;
};

function addressOf(call: PvCall, index: number): Halves | undefined {
  const [low, high] = [call.low(index), call.high(index)];
  return low === 0 && high === 0 ? undefined : { low, high };
}
