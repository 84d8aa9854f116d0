/*
 * Start in S-mode and traps. While a process runs, sscratch holds the top of its kernel stack; in the kernel it holds 0, which tells
 * the two apart. A frame is `struct trap_frame` of platform.h.
 */
#include "frame.h"

.file "entry.S" /* else the linker names the object after a temporary file */

#define SSTATUS_SPP 0x100

.section .text.start, "ax"
.globl _start
_start:
  start_c
  call native_start

.text
/* Saves what was interrupted, and goes on in C. */
.macro trap_entry handler
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
  sd t0, FRAME_SP(sp)
  sd t1, FRAME_PC(sp)
  sd t2, FRAME_STATUS(sp)
  sd t3, FRAME_CAUSE(sp)
  sd t4, FRAME_VALUE(sp)
  mv a0, sp
  call \handler
.endm

.balign 4
.globl event_trap_entry
event_trap_entry:
  trap_entry event_trap
  j native_enter_user
.balign 4
.globl native_trap_entry
native_trap_entry:
  trap_entry native_trap
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
  ld sp, FRAME_SP(sp)
  sret
