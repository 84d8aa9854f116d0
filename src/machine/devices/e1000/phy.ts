/**
 * The link as the PHY registers tell it (IEEE 802.3 clause 22; Marvell 88E1011): always up, 1000 Mb/s, full duplex. Writes change nothing, which
 * is what negotiation with a partner that is always ready comes to.
 */
import { MDIC } from './e1000-registers.ts';

const PHY_ADDRESS = 1;
const PHY: Readonly<Record<number, number>> = {
  // Control: auto-negotiation on, full duplex, 1000 Mb/s.
  0: 0x1140,
  // Status: every speed, auto-negotiation done, link up.
  1: 0x796d,
  // Identifier of the 88E1011.
  2: 0x0141,
  3: 0x0c20,
  // What this side and its partner can do.
  4: 0x0de1,
  5: 0xcde1,
  // 1000BASE-T control and status.
  9: 0x0300,
  10: 0x7c00,
  // Specific status: 1000 Mb/s, full duplex, resolved, link up.
  17: 0xac00,
};

/** What MDIC holds after `value` was written to it: ready at once, or an error where there is no PHY. */
export function mdiTransfer(value: number): number {
  const register = (value >>> MDIC.registerShift) & 0x1f;
  const command = value & ~(MDIC.READY | MDIC.ERROR);
  if (((value >>> MDIC.phyShift) & 0x1f) !== PHY_ADDRESS) return (command | MDIC.READY | MDIC.ERROR) >>> 0;
  const isRead = ((value >>> MDIC.operationShift) & 3) === MDIC.read;
  const data = isRead ? (PHY[register] ?? 0) : value & MDIC.dataMask;
  return ((command & ~MDIC.dataMask) | data | MDIC.READY) >>> 0;
}
