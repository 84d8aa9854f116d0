/**
 * The SBI: the table of extensions, the dispatcher, and names for reports. SBI 2.0 without PMU, NACL and CPPC,
 * and an extension of our own for marks.
 *
 * The legacy extensions (EIDs 0x00 to 0x0f, §5) are not offered. A legacy caller reads a0 alone and finds
 * `SBI_ERR_NOT_SUPPORTED` (-2) there, a negative error as it expects; a1 is left alone, as the legacy convention demands.
 */
import { baseExtension } from './base.ts';
import { DBCN } from './dbcn.ts';
import { HSM } from './hsm.ts';
import { IPI } from './ipi.ts';
import { MARK } from './mark.ts';
import { RFENCE } from './rfence.ts';
import { SBI_ERROR, type SbiExtension, type SbiFunction } from './sbi-types.ts';
import { SRST } from './srst.ts';
import { STA } from './sta.ts';
import { SUSP } from './susp.ts';
import { TIME } from './time.ts';

/** Names of the legacy extensions (§5), by EID: for reports only. */
const LEGACY_NAMES = [
  'set_timer',
  'console_putchar',
  'console_getchar',
  'clear_ipi',
  'send_ipi',
  'remote_fence_i',
  'remote_sfence_vma',
  'remote_sfence_vma_asid',
  'shutdown',
] as const;
const LEGACY_EID_LAST = 0x0f;

const BASE = baseExtension((host, eid) => {
  const extension = BY_EID.get(Number(eid));
  return extension !== undefined && (extension.isOffered?.(host) ?? true);
});
/** Every extension that is served. */
export const SBI_EXTENSIONS: readonly SbiExtension[] = [BASE, TIME, IPI, RFENCE, HSM, SRST, DBCN, SUSP, STA, MARK];
const BY_EID: ReadonlyMap<number, SbiExtension> = new Map(SBI_EXTENSIONS.map((row) => [row.eid, row]));
/** Functions by EID, then FID: those of an extension are numbered from 0. */
const FUNCTIONS: ReadonlyMap<number, readonly (SbiFunction | undefined)[]> = new Map(
  SBI_EXTENSIONS.map(({ eid, functions }) => {
    const count = Math.max(...Object.keys(functions).map(Number)) + 1;
    return [eid, Array.from({ length: count }, (_, fid) => functions[fid])];
  }),
);
/** The extension that was looked for last, and what it has: most often it is the same again. */
let lastEid = -1;
let lastFunctions: readonly (SbiFunction | undefined)[] | undefined;
const ERROR_NAMES: ReadonlyMap<bigint, string> = new Map(
  Object.entries(SBI_ERROR).map(([name, value]) => [value, name === 'SUCCESS' ? 'SBI_SUCCESS' : `SBI_ERR_${name}`]),
);

/**
 * The function of an extension and function id; undefined if it is not served. Ids are whole registers, unsigned: beyond 2^53 their
 * conversion to a number rounds, but never to one that is small.
 */
export function findSbiFunction(eid: number, fid: number): SbiFunction | undefined {
  if (eid !== lastEid) {
    lastEid = eid;
    lastFunctions = FUNCTIONS.get(eid);
  }
  return lastFunctions !== undefined && fid < lastFunctions.length ? lastFunctions[fid] : undefined;
}

/** Whether a call follows the legacy convention, which returns in a0 only. */
export function isLegacyCall(eid: number): boolean {
  return eid <= LEGACY_EID_LAST;
}

/** `DBCN.debug_console_write`; for what is not served, as much of the name as is known. */
export function sbiFunctionName(eid: bigint, fid: bigint): string {
  const legacy = LEGACY_NAMES[Number(eid)];
  if (legacy !== undefined) return `legacy.${legacy}`;
  const extension = BY_EID.get(Number(eid))?.name ?? `0x${eid.toString(16)}`;
  return `${extension}.${findSbiFunction(Number(eid), Number(fid))?.name ?? fid.toString()}`;
}

/** Names of the arguments of a function, in register order; empty if it is not served. */
export function sbiArgumentNames(eid: bigint, fid: bigint): readonly string[] {
  return findSbiFunction(Number(eid), Number(fid))?.args ?? [];
}

/** `SBI_ERR_INVALID_PARAM` for -3n. */
export function sbiErrorName(error: bigint): string {
  return ERROR_NAMES.get(error) ?? `error ${error}`;
}
