/*
 * For entry code: offsets in `struct trap_frame` of platform.h, and what each platform's start and entry have in common.
 */
#ifndef MINI_OS_FRAME_H
#define MINI_OS_FRAME_H

#define FRAME_BYTES 288
#define FRAME_SP 16
#define FRAME_A0 80
#define FRAME_A6 128
#define FRAME_A7 136
#define FRAME_PC 256
#define FRAME_STATUS 264
#define FRAME_CAUSE 272
#define FRAME_VALUE 280

/* Stores to or loads from a frame at sp: every register but sp. */
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

/* The first instructions: a stack, and zeros where C expects them. Keeps a0 and a1. */
.macro start_c
  la sp, boot_stack_top
  la t0, bss_start
  la t1, bss_end
1:
  bgeu t0, t1, 2f
  sd zero, 0(t0)
  addi t0, t0, 8
  j 1b
2:
.endm

#endif
