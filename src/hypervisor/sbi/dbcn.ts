/** Debug console (§12). Memory is given as a physical range in two XLEN halves; the upper one must be zero on this machine. */
import { asU32, failure, ramAddress, type SbiExtension, type SbiHost, success } from './sbi-types.ts';

/** Calls are non-blocking and may do less than asked (§12.1, §12.2): this bounds the work of one. */
export const DBCN_CALL_BYTES_MAX = 65_536;

export const DBCN: SbiExtension = {
  eid: 0x4442434e,
  name: 'DBCN',
  functions: {
    0: {
      name: 'debug_console_write',
      args: ['num_bytes', 'base_addr_lo', 'base_addr_hi'],
      cost: 'hypercallUser',
      handler: (host, _caller, [count, low, high]) => {
        const range = sharedRange(host, count, low, high);
        if (range === undefined) return failure('INVALID_PARAM');
        const lengthBytes = Math.min(range.lengthBytes, DBCN_CALL_BYTES_MAX);
        if (lengthBytes > 0) host.writeConsole(host.machine.memory.readBytes(range.pa, lengthBytes));
        return success(BigInt(lengthBytes));
      },
    },
    1: {
      name: 'debug_console_read',
      args: ['num_bytes', 'base_addr_lo', 'base_addr_hi'],
      cost: 'hypercallUser',
      handler: (host, _caller, [count, low, high]) => {
        const range = sharedRange(host, count, low, high);
        if (range === undefined) return failure('INVALID_PARAM');
        if (range.lengthBytes === 0) return success(0n);
        const bytes = host.readConsole(Math.min(range.lengthBytes, DBCN_CALL_BYTES_MAX));
        if (bytes.length > 0) host.machine.memory.writeBytes(range.pa, bytes);
        return success(BigInt(bytes.length));
      },
    },
    2: {
      name: 'debug_console_write_byte',
      args: ['byte'],
      cost: 'hypercallUser',
      handler: (host, _caller, [byte]) => {
        host.writeConsole(Uint8Array.of(asU32(byte) & 0xff));
        return success();
      },
    },
  },
};

/** A shared-memory range (§3.2): every byte of it must be accessible to the supervisor, which is RAM here. */
function sharedRange(
  host: SbiHost,
  count: bigint,
  low: bigint,
  high: bigint,
): { readonly pa: number; readonly lengthBytes: number } | undefined {
  const lengthBytes = Number(count);
  if (high !== 0n || !Number.isSafeInteger(lengthBytes)) return undefined;
  const pa = ramAddress(host, low, lengthBytes);
  return pa === undefined ? undefined : { pa, lengthBytes };
}
