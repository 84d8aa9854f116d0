/* Adds 1 to 10 and passes if the sum is right. */
.file "tohost-pass.S" /* else the linker names the object after a temporary file */
#include "tohost.h"

.section .text.start, "ax"
.globl _start
_start:
  li a0, 10
  li a1, 0
1:
  add a1, a1, a0
  addi a0, a0, -1
  bnez a0, 1b
  li a2, 55
  bne a1, a2, 2f
  END_WITH 1
2:
  END_WITH 3
