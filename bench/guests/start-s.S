/* Boot in S-mode on top of SBI firmware. */
.file "start-s.S"

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
  call bench_main
3:
  wfi
  j 3b

.text
.balign 4
trap_entry:
  csrr a0, scause
  csrr a1, sepc
  csrr a2, stval
  la sp, boot_stack_top
  call unexpected_trap
