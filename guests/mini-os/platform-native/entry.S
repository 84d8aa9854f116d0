/*
 * Start in S-mode and traps. While a process runs, sscratch holds the top of its kernel stack; in the kernel it holds 0, which tells
 * the two apart. A frame is `struct trap_frame` of platform.h.
 */
.file "entry.S" /* else the linker names the object after a temporary file */

#define FRAME_BYTES 288
#define FRAME_PC 256
#define FRAME_STATUS 264
#define FRAME_CAUSE 272
#define FRAME_VALUE 280
#define SSTATUS_SPP 0x100

.macro each_register operation
  \operation x1, 8(sp)
  \operation x3, 24(sp)
  \operation x4, 32(sp)
  \operation x5, 40(sp)
  \operation x6, 48(sp)
  \operation x7, 56(sp)
  \operation x8, 64(sp)
  \operation x9, 72(sp)
  \operation x10, 80(sp)
  \operation x11, 88(sp)
  \operation x12, 96(sp)
  \operation x13, 104(sp)
  \operation x14, 112(sp)
  \operation x15, 120(sp)
  \operation x16, 128(sp)
  \operation x17, 136(sp)
  \operation x18, 144(sp)
  \operation x19, 152(sp)
  \operation x20, 160(sp)
  \operation x21, 168(sp)
  \operation x22, 176(sp)
  \operation x23, 184(sp)
  \operation x24, 192(sp)
  \operation x25, 200(sp)
  \operation x26, 208(sp)
  \operation x27, 216(sp)
  \operation x28, 224(sp)
  \operation x29, 232(sp)
  \operation x30, 240(sp)
  \operation x31, 248(sp)
.endm

.section .text.start, "ax"
.globl _start
_start:
  la sp, boot_stack_top
  la t0, bss_start
  la t1, bss_end
1:
  bgeu t0, t1, 2f
  sd zero, 0(t0)
  addi t0, t0, 8
  j 1b
2:
  call native_start

.text
.balign 4
.globl native_trap_entry
native_trap_entry:
  csrrw sp, sscratch, sp
  bnez sp, 1f
  csrr sp, sscratch
1:
  addi sp, sp, -FRAME_BYTES
  each_register sd
  csrrw t0, sscratch, zero
  csrr t1, sepc
  csrr t2, sstatus
  csrr t3, scause
  csrr t4, stval
  sd t0, 16(sp)
  sd t1, FRAME_PC(sp)
  sd t2, FRAME_STATUS(sp)
  sd t3, FRAME_CAUSE(sp)
  sd t4, FRAME_VALUE(sp)
  mv a0, sp
  call native_trap
  /* Falls into: back to where the frame on the stack came from. */
.globl native_enter_user
native_enter_user:
  ld t0, FRAME_STATUS(sp)
  ld t1, FRAME_PC(sp)
  andi t2, t0, SSTATUS_SPP
  bnez t2, 1f
  addi t2, sp, FRAME_BYTES
  csrw sscratch, t2
1:
  csrw sstatus, t0
  csrw sepc, t1
  each_register ld
  ld sp, 16(sp)
  sret
