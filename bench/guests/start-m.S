/* Boot in M-mode, and the ways down: to a function in S-mode or U-mode that never returns. */
.file "start-m.S"

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
  csrw mtvec, t0
  call bench_main
3:
  wfi
  j 3b

.text
.balign 4
trap_entry:
  csrr a0, mcause
  csrr a1, mepc
  csrr a2, mtval
  la sp, boot_stack_top
  call unexpected_trap

/* void supervisor_run(function): calls it in S-mode with all of memory open; returns in M-mode at its environment call. */
.globl supervisor_run
supervisor_run:
  addi sp, sp, -128
  sd ra, 0(sp)
  sd s0, 8(sp)
  sd s1, 16(sp)
  sd s2, 24(sp)
  sd s3, 32(sp)
  sd s4, 40(sp)
  sd s5, 48(sp)
  sd s6, 56(sp)
  sd s7, 64(sp)
  sd s8, 72(sp)
  sd s9, 80(sp)
  sd s10, 88(sp)
  sd s11, 96(sp)
  csrw mscratch, sp
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f /* NAPOT, RWX */
  csrw pmpcfg0, t0
  li t0, -1
  csrw mcounteren, t0
  csrw scounteren, t0
  li t0, 0x1800 /* MPP */
  csrc mstatus, t0
  li t0, 0x0800
  csrs mstatus, t0
  la t0, supervisor_trap
  csrw mtvec, t0
  csrw mepc, a0
  la ra, supervisor_return
  mret
supervisor_return:
  ecall

.balign 4
supervisor_trap:
  csrr t0, mcause
  li t1, 9 /* environment call from S-mode */
  bne t0, t1, trap_entry
  la t0, trap_entry
  csrw mtvec, t0
  csrr sp, mscratch
  ld ra, 0(sp)
  ld s0, 8(sp)
  ld s1, 16(sp)
  ld s2, 24(sp)
  ld s3, 32(sp)
  ld s4, 40(sp)
  ld s5, 48(sp)
  ld s6, 56(sp)
  ld s7, 64(sp)
  ld s8, 72(sp)
  ld s9, 80(sp)
  ld s10, 88(sp)
  ld s11, 96(sp)
  addi sp, sp, 128
  ret
