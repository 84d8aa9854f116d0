/* The tohost convention: a nonzero store ends the program; 1 is success, (code << 1) | 1 is failure with that code. */
.macro END_WITH value
  la t0, tohost
  li t1, \value
  sd t1, 0(t0)
1:
  j 1b
.endm

.section .tohost, "aw"
.balign 64
.globl tohost
tohost: .dword 0
.balign 64
.globl fromhost
fromhost: .dword 0
