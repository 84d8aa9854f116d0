/** Which frames the controller keeps (SDM 13.4.22 RCTL, 13.5 filter registers): by address alone. VLAN filtering is left out. */
import { RAH_AV, RCTL } from './e1000-registers.ts';

/** First bit of the 12 that select a multicast table bit, by RCTL.MO, counted in the upper 16 bits of the address. */
const MULTICAST_SHIFT = [4, 3, 2, 0] as const;

/**
 * @param frame at least 6 bytes
 * @param receiveAddresses RAL and RAH by turns
 */
export function acceptsFrame(
  frame: Uint8Array,
  rctl: number,
  receiveAddresses: Uint32Array,
  multicastTable: Uint32Array,
): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const [low, high] = [view.getUint32(0, true), view.getUint16(4, true)];
  const isGroup = (low & 1) !== 0;
  if (low === 0xffff_ffff && high === 0xffff) return (rctl & (RCTL.BAM | RCTL.MPE)) !== 0;
  if ((rctl & (isGroup ? RCTL.MPE : RCTL.UPE)) !== 0) return true;
  for (let index = 0; index < receiveAddresses.length; index += 2) {
    const upper = receiveAddresses[index + 1] ?? 0;
    if (upper >= RAH_AV && (upper & 0xffff) === high && receiveAddresses[index] === low) return true;
  }
  if (!isGroup) return false;
  const shift = MULTICAST_SHIFT[((rctl >>> RCTL.multicastShift) & 3) as 0 | 1 | 2 | 3];
  const bit = (high >>> shift) & 0xfff;
  return (((multicastTable[bit >> 5] ?? 0) >>> (bit & 31)) & 1) !== 0;
}
