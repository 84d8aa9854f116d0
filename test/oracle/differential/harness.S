/*
 * Runs the cases of a differential test image: sets registers and CSRs as a case says, jumps to its code in the privilege mode
 * that it names, and records everything when that code traps, which it always does in the end.
 *
 * Variables: 0 next case, 8 next record, 16 cases left.
 */
#define FINISHER 0x100000
#define FINISHER_PASS 0x5555
#define REGISTERS 248

.macro EACH_REGISTER op, base
  .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    \op x\n, (\n - 1) * 8(\base)
  .endr
.endm

.macro SET csr, from
  ld t0, \from(t6)
  csrw \csr, t0
.endm

.macro SAVE csr, to
  csrr t0, \csr
  sd t0, \to(t6)
.endm

.globl _start
_start:
  la t0, trap
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f /* one region for all of memory, read, write and execute */
  csrw pmpcfg0, t0
  li t0, -1
  csrw 0x14d, t0 /* stimecmp: its value after reset is open */

next:
  li t6, VARIABLES
  ld t5, 16(t6)
  beqz t5, done
  addi t5, t5, -1
  sd t5, 16(t6)
  ld t6, 0(t6)

  /* A jump is written into its slot; other code stands ready. */
  ld t0, CASE_patch(t6)
  beqz t0, 1f
  ld t1, CASE_pc(t6)
  sw t0, 0(t1)
  fence.i
1:
  SET mstatus, CASE_mstatus
  SET satp, CASE_satp
  SET medeleg, CASE_medeleg
  SET mideleg, CASE_mideleg
  SET mie, CASE_mie
  SET mip, CASE_mip
  SET stvec, CASE_stvec
  SET sepc, CASE_sepc
  SET mcounteren, CASE_mcounteren
  SET scounteren, CASE_scounteren
  SET mepc, CASE_pc
  csrw mcause, zero
  csrw mtval, zero
  csrw scause, zero
  csrw stval, zero
  csrw sscratch, zero
  csrw mscratch, zero
  sfence.vma
  EACH_REGISTER ld, t6
  ld t6, 240(t6)
  mret

.balign 4
trap:
  csrw mscratch, t6
  li t6, VARIABLES
  ld t6, 8(t6)
  EACH_REGISTER sd, t6
  csrr t0, mscratch
  sd t0, 240(t6)
  SAVE mcause, RECORD_mcause
  SAVE mepc, RECORD_mepc
  SAVE mtval, RECORD_mtval
  SAVE mstatus, RECORD_mstatus
  SAVE scause, RECORD_scause
  SAVE sepc, RECORD_sepc
  SAVE stval, RECORD_stval
  SAVE satp, RECORD_satp
  SAVE medeleg, RECORD_medeleg
  SAVE mideleg, RECORD_mideleg
  SAVE mie, RECORD_mie
  SAVE mip, RECORD_mip
  SAVE stvec, RECORD_stvec
  SAVE sscratch, RECORD_sscratch
  SAVE mcounteren, RECORD_mcounteren
  SAVE scounteren, RECORD_scounteren
  csrw mie, zero
  csrw mip, zero
  csrw satp, zero
  csrw mideleg, zero
  csrw medeleg, zero

  li t5, VARIABLES
  ld t4, 0(t5)
  ld t0, CASE_probe(t4)
  ld t1, 0(t0)
  ld t2, 8(t0)
  sd t1, RECORD_probe0(t6)
  sd t2, RECORD_probe1(t6)
  addi t4, t4, CASE_BYTES
  sd t4, 0(t5)
  addi t6, t6, RECORD_BYTES
  sd t6, 8(t5)
  j next

done:
  li t0, TOHOST
  li t1, 1
  sd t1, 0(t0)
  li t0, FINISHER
  li t1, FINISHER_PASS
  sw t1, 0(t0)
1:
  j 1b
