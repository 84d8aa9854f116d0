/**
 * What instruction semantics are written with. A row of the instruction table calls these methods once for every tier that
 * is generated: the interpreter's builder reads operands from a predecoded entry, a translator's holds them in locals.
 *
 * Rules that every row keeps, so that both can be right: operands are read before `setRd`; `setRd` comes last and at most
 * once; an access to memory comes before any effect, because it may leave the instruction undone (fault, device).
 */
import type { Expr, LoadWidth, StoreBits } from '../engine/expr.ts';

/** Instructions whose meaning is a change of the whole hart: each is one function of the privileged architecture. */
export type SystemOp = 'ecall' | 'ebreak' | 'mret' | 'sret' | 'wfi' | 'sfence.vma' | 'fence' | 'fence.i';

export interface InsnBuilder {
  /** Operand registers, immediate (sign-extended as the format says) and the address of the instruction: all i64. */
  readonly rs1: Expr;
  readonly rs2: Expr;
  readonly imm: Expr;
  readonly pc: Expr;
  /** The 5-bit immediate that stands where rs1 usually does (CSR immediates), zero-extended. */
  readonly uimm: Expr;

  /** Evaluates once and gives something that can be used many times. */
  let(value: Expr): Expr;
  /** Writes the destination register; a write to x0 is dropped. */
  setRd(value: Expr): void;

  /** Goes to `pc + imm` if `test` (i32) is not zero. */
  branch(test: Expr): void;
  /** Writes the return address to rd and goes to `pc + imm`. */
  jumpRelative(): void;
  /** Writes the return address to rd and goes to `target`. */
  jumpIndirect(target: Expr): void;

  /** Loads from guest memory, widened to i64. */
  load(width: LoadWidth, address: Expr): Expr;
  store(bits: StoreBits, address: Expr, value: Expr): void;
  /** Atomically replaces the 32- or 64-bit value at `address` by `update(old)`; gives old (sign-extended). */
  atomic(bits: 32 | 64, address: Expr, update: (old: Expr) => Expr): Expr;
  /** Load-reserved: the value, sign-extended. */
  loadReserved(bits: 32 | 64, address: Expr): Expr;
  /** Store-conditional: 0 for success, 1 for failure. */
  storeConditional(bits: 32 | 64, address: Expr, value: Expr): Expr;

  /** Reads the CSR into rd and writes, sets or clears bits; `set` and `clear` with a zero rs1 field do not write. */
  csr(action: 'write' | 'set' | 'clear', operand: Expr): void;
  system(op: SystemOp): void;
}
