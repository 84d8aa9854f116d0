/* Fails with code 21: the host must report that code. */
.file "tohost-fail.S" /* else the linker names the object after a temporary file */
#include "tohost.h"

.section .text.start, "ax"
.globl _start
_start:
  END_WITH (21 << 1 | 1)
