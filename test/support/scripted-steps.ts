/** Steps that scripts use again and again. */
import type { Script, ScriptedHart, Step } from './scripted-machine.ts';

export const EID = {
  BASE: 0x10n,
  TIME: 0x54494d45n,
  IPI: 0x735049n,
  RFENCE: 0x52464e43n,
  HSM: 0x48534dn,
  SRST: 0x53525354n,
  DBCN: 0x4442434en,
  SUSP: 0x53555350n,
} as const;

export const UART = 0x1000_0000;
export const RAM = 0x8000_0000n;
export const MINUS_ONE = 0xffff_ffff_ffff_ffffn;

export function work(cycles: number): Step {
  return { op: 'work', cycles };
}

/** Makes a call and gives back what it returned: the error signed, the value unsigned. */
export function* sbi(
  hart: ScriptedHart,
  eid: bigint,
  fid: bigint,
  ...args: bigint[]
): Generator<Step, { error: bigint; value: bigint }, bigint> {
  yield { op: 'call', eid, fid, args };
  return { error: BigInt.asIntN(64, hart.x(10)), value: hart.x(11) };
}

export function* shutdown(hart: ScriptedHart): Script {
  yield* sbi(hart, EID.SRST, 0n, 0n, 0n);
}

export function* print(text: string): Script {
  for (const byte of new TextEncoder().encode(text)) {
    yield { op: 'store', gpa: UART, size: 1, value: BigInt(byte) };
  }
}

/** Polls the 16550 until a byte is there. */
export function* readUart(): Generator<Step, number, bigint> {
  for (;;) {
    const status = yield { op: 'load', gpa: UART + 5, size: 1 };
    if ((status & 1n) === 0n) continue;
    return Number(yield { op: 'load', gpa: UART, size: 1 });
  }
}
