/* Entry points in S-mode: boot, the start of a second hart, traps, and the way into U-mode and back. */
.file "start.S" /* else the linker names the object after a temporary file */

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
  la t0, trap_entry
  csrw stvec, t0
  call tour_main
3:
  wfi
  j 3b

/* hart_start brings a hart here with a0 = hart id and a1 = top of its stack. */
.globl second_hart_entry
second_hart_entry:
  mv sp, a1
  la t0, trap_entry
  csrw stvec, t0
  call second_hart_main
4:
  wfi
  j 4b

.text
/* Traps from S-mode: saves what a C function may change, on the same stack. */
.balign 4
.globl trap_entry
trap_entry:
  addi sp, sp, -128
  sd ra, 0(sp)
  sd t0, 8(sp)
  sd t1, 16(sp)
  sd t2, 24(sp)
  sd a0, 32(sp)
  sd a1, 40(sp)
  sd a2, 48(sp)
  sd a3, 56(sp)
  sd a4, 64(sp)
  sd a5, 72(sp)
  sd a6, 80(sp)
  sd a7, 88(sp)
  sd t3, 96(sp)
  sd t4, 104(sp)
  sd t5, 112(sp)
  sd t6, 120(sp)
  csrr a0, scause
  csrr a1, sepc
  csrr a2, stval
  call trap_handle
  csrw sepc, a0
  ld ra, 0(sp)
  ld t0, 8(sp)
  ld t1, 16(sp)
  ld t2, 24(sp)
  ld a0, 32(sp)
  ld a1, 40(sp)
  ld a2, 48(sp)
  ld a3, 56(sp)
  ld a4, 64(sp)
  ld a5, 72(sp)
  ld a6, 80(sp)
  ld a7, 88(sp)
  ld t3, 96(sp)
  ld t4, 104(sp)
  ld t5, 112(sp)
  ld t6, 120(sp)
  addi sp, sp, 128
  sret

/* u64 user_run(u64 entry, u64 argument): runs U-mode code until its first trap, of any cause; answers its a0. */
.globl user_run
user_run:
  la t0, user_return
  sd ra, 0(t0)
  sd sp, 8(t0)
  sd s0, 16(t0)
  sd s1, 24(t0)
  sd s2, 32(t0)
  sd s3, 40(t0)
  sd s4, 48(t0)
  sd s5, 56(t0)
  sd s6, 64(t0)
  sd s7, 72(t0)
  sd s8, 80(t0)
  sd s9, 88(t0)
  sd s10, 96(t0)
  sd s11, 104(t0)
  csrw sscratch, t0
  la t1, user_trap_entry
  csrw stvec, t1
  csrw sepc, a0
  li t1, 0x120 /* SPP, SPIE: to U-mode with interrupts as they are */
  csrc sstatus, t1
  mv a0, a1
  sret

.balign 4
user_trap_entry:
  csrr t0, sscratch
  ld ra, 0(t0)
  ld sp, 8(t0)
  ld s0, 16(t0)
  ld s1, 24(t0)
  ld s2, 32(t0)
  ld s3, 40(t0)
  ld s4, 48(t0)
  ld s5, 56(t0)
  ld s6, 64(t0)
  ld s7, 72(t0)
  ld s8, 80(t0)
  ld s9, 88(t0)
  ld s10, 96(t0)
  ld s11, 104(t0)
  la t1, trap_entry
  csrw stvec, t1
  ret

/* U-mode code, on a page of its own: a sum that shows that it ran, then a call; or an instruction that U-mode may not use. */
.section .user_text, "ax"
.globl user_sum
user_sum:
  li t0, 0
1:
  add t0, t0, a0
  addi a0, a0, -1
  bnez a0, 1b
  mv a0, t0
  ecall
.globl user_forbidden
user_forbidden:
  csrr a0, sstatus
  ecall

.bss
.balign 8
user_return: .skip 112
