/*
 * Start, callbacks, and the way back. The hypervisor enters a callback on the kernel stack with events masked; what was interrupted is
 * in the record, but for the registers, which are as they were. A frame is `struct trap_frame` of platform.h.
 */
#include "frame.h"

.file "entry.S" /* else the linker names the object after a temporary file */

/* struct vcpu_trap */
#define RECORD_KERNEL_SP 0
#define RECORD_PC 8
#define RECORD_SP 16
#define RECORD_CAUSE 24
#define RECORD_VALUE 32
#define RECORD_STATUS 40
#define RECORD_A0 48
#define RECORD_A6 56
#define RECORD_A7 64

#define PV_EXTENSION 0x08505654
#define PV_IRET 23

.macro copy_word from, to
  ld t1, \from
  sd t1, \to
.endm

.section .text.start, "ax"
.globl _start
_start:
  start_c
  mv a0, a1
  call pv_start

.text
.balign 4
.globl pv_event_entry
pv_event_entry:
  addi sp, sp, -FRAME_BYTES
  each_register sd
  la s0, pv_event
  j 1f
.balign 4
.globl pv_trap_entry
pv_trap_entry:
  addi sp, sp, -FRAME_BYTES
  each_register sd
  la s0, pv_trap
1:
  la t0, pv_record
  ld t0, 0(t0)
  copy_word RECORD_SP(t0), FRAME_SP(sp)
  copy_word RECORD_PC(t0), FRAME_PC(sp)
  copy_word RECORD_STATUS(t0), FRAME_STATUS(sp)
  copy_word RECORD_CAUSE(t0), FRAME_CAUSE(sp)
  copy_word RECORD_VALUE(t0), FRAME_VALUE(sp)
  mv a0, sp
  jalr s0
  /* Falls into: back to where the frame on the stack came from. */
.globl pv_enter_user
pv_enter_user:
  la t0, pv_record
  ld t0, 0(t0)
  copy_word FRAME_SP(sp), RECORD_SP(t0)
  copy_word FRAME_PC(sp), RECORD_PC(t0)
  copy_word FRAME_STATUS(sp), RECORD_STATUS(t0)
  copy_word FRAME_A0(sp), RECORD_A0(t0)
  copy_word FRAME_A6(sp), RECORD_A6(t0)
  copy_word FRAME_A7(sp), RECORD_A7(t0)
  addi t1, sp, FRAME_BYTES
  sd t1, RECORD_KERNEL_SP(t0) /* means nothing until the way back is to user mode */
  each_register ld
  li a6, PV_IRET
  li a7, PV_EXTENSION
  ecall
