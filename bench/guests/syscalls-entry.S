/* Into U-mode and back: a trap frame of sepc, sstatus and x0 to x31, on the kernel's stack. */
.file "syscalls-entry.S"
#define FRAME_BYTES 272
#define X(number) (16 + 8 * (number))

.text
/* void user_run(function) */
.globl user_run
user_run:
  addi sp, sp, -16
  sd ra, 0(sp)
  csrw sscratch, sp
  la t0, kernel_entry
  csrw stvec, t0
  li t0, 0x100 /* SPP: to U-mode */
  csrc sstatus, t0
  csrw sepc, a0
  la sp, user_stack_top
  sret

.balign 4
kernel_entry:
  csrrw sp, sscratch, sp
  addi sp, sp, -FRAME_BYTES
.irp number, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  sd x\number, X(\number)(sp)
.endr
  csrr t0, sscratch
  sd t0, X(2)(sp)
  csrr t1, sepc
  sd t1, 0(sp)
  csrr t2, sstatus
  sd t2, 8(sp)
  addi t3, sp, FRAME_BYTES
  csrw sscratch, t3
  csrr t4, scause
  li t5, 8 /* environment call from U-mode */
  bne t4, t5, 1f
  mv a0, sp
  call system_call
  beqz a0, 2f
  ld t0, 0(sp)
  csrw sepc, t0
  ld t1, 8(sp)
  csrw sstatus, t1
.irp number, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  ld x\number, X(\number)(sp)
.endr
  ld sp, X(2)(sp)
  sret
1:
  csrr a0, scause
  csrr a1, sepc
  csrr a2, stval
  call unexpected_trap
2:
  addi sp, sp, FRAME_BYTES
  ld ra, 0(sp)
  addi sp, sp, 16
  ret

.bss
.balign 16
.skip 4096
user_stack_top:
