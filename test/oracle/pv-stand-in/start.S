/* Start in M-mode, and traps from the guest. mscratch holds the address of `guest`, in which x[0] is the guest's pc. */
.file "start.S"

.macro each_register operation
  \operation x1, 8(a0)
  \operation x2, 16(a0)
  \operation x3, 24(a0)
  \operation x4, 32(a0)
  \operation x5, 40(a0)
  \operation x6, 48(a0)
  \operation x7, 56(a0)
  \operation x8, 64(a0)
  \operation x9, 72(a0)
  \operation x11, 88(a0)
  \operation x12, 96(a0)
  \operation x13, 104(a0)
  \operation x14, 112(a0)
  \operation x15, 120(a0)
  \operation x16, 128(a0)
  \operation x17, 136(a0)
  \operation x18, 144(a0)
  \operation x19, 152(a0)
  \operation x20, 160(a0)
  \operation x21, 168(a0)
  \operation x22, 176(a0)
  \operation x23, 184(a0)
  \operation x24, 192(a0)
  \operation x25, 200(a0)
  \operation x26, 208(a0)
  \operation x27, 216(a0)
  \operation x28, 224(a0)
  \operation x29, 232(a0)
  \operation x30, 240(a0)
  \operation x31, 248(a0)
.endm

.section .text.start, "ax"
.globl _start
_start:
  la sp, stack_top
  la t0, trap_entry
  csrw mtvec, t0
  mv a0, a1
  call stand_in_main
  j enter_guest

.balign 4
trap_entry:
  csrrw a0, mscratch, a0
  each_register sd
  csrr t0, mscratch
  sd t0, 80(a0)
  csrr t0, mepc
  sd t0, 0(a0)
  la sp, stack_top
  call trap
enter_guest:
  la a0, guest
  csrw mscratch, a0
  ld t0, 0(a0)
  csrw mepc, t0
  each_register ld
  ld a0, 80(a0)
  mret

.bss
.balign 16
  .skip 16384
stack_top:
