/** `multicall(entries, count)` (docs/abi.md, "Page tables"): several calls in one. */
import { PvCall } from '../pv-call.ts';
import { PV_ERROR } from '../pv-errors.ts';
import type { CallHandler } from './call-row.ts';

const MULTICALL_MAX = 512;
const ENTRY_BYTES = 64;
const RESULT_OFFSET = 8;
/** Where arguments are, in words: the number of the call stands first. */
const ARGUMENT_WORD = 4;

/** Goes on after an entry that fails, and stops only where its result cannot be written. */
export const multicall: CallHandler = (domain, vcpu, call) => {
  const [pa, count] = [call.number(0), call.number(1)];
  if (count > MULTICALL_MAX) return PV_ERROR.E2BIG;
  const entries = domain.buffers.copyWords(pa, count * ENTRY_BYTES);
  if (entries === undefined) return PV_ERROR.EFAULT;
  const inner = new PvCall();
  for (let index = 0; index < count; index++) {
    const at = index * ENTRY_BYTES;
    const first = at / 4 + ARGUMENT_WORD;
    for (let word = 0; word < inner.words.length; word++) inner.words[word] = entries[first + word] as number;
    // Asked anew each time: an entry may have made a table of the page that its results go to.
    if (!domain.buffers.isWritable(pa + at + RESULT_OFFSET, 8)) return PV_ERROR.EFAULT;
    domain.charge(call, 'multicall');
    const result = domain.serveEntry(vcpu, operationAt(entries, at / 4), inner);
    call.cycles += inner.cycles;
    call.tableWrites += inner.tableWrites;
    call.rootLoads += inner.rootLoads;
    call.flushes += inner.flushes;
    if (!domain.buffers.isWritable(pa + at + RESULT_OFFSET, 8)) return PV_ERROR.EFAULT;
    domain.buffers.write32(pa + at + RESULT_OFFSET, result);
    domain.buffers.write32(pa + at + RESULT_OFFSET + 4, result < 0 ? -1 : Math.floor(result / 0x1_0000_0000));
    call.value++;
  }
  return 0;
};

function operationAt(entries: Uint32Array, word: number): number {
  return (entries[word + 1] as number) * 0x1_0000_0000 + (entries[word] as number);
}
