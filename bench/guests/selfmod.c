/*
 * Code that writes code: an instruction of a routine is changed before each few calls, and now and then a whole new routine is
 * written into a ring of them, as a just-in-time compiler does. Every change is followed by fence.i.
 */
#include "bench.h"

#define ROUTINES 64
#define INSNS_PER_ROUTINE 16
#define CALLS_PER_CHANGE 8
#define CHANGES_PER_ROUTINE 4

#define ADDI(rd, rs1, imm) ((u32)(imm) << 20 | (rs1) << 15 | (rd) << 7 | 0x13u)
#define XORI(rd, rs1, imm) ((u32)(imm) << 20 | (rs1) << 15 | 4u << 12 | (rd) << 7 | 0x13u)
#define SLLI(rd, rs1, shift) ((u32)(shift) << 20 | (rs1) << 15 | 1u << 12 | (rd) << 7 | 0x13u)
#define ADD(rd, rs1, rs2) ((rs2) << 20 | (rs1) << 15 | (rd) << 7 | 0x33u)
#define RET 0x00008067u
#define A0 10u
#define A1 11u

const char bench_name[] = "selfmod";

static u32 routines[ROUTINES][INSNS_PER_ROUTINE] __attribute__((aligned(4096)));

static inline void fence_i(void) { __asm__ volatile("fence.i" : : : "memory"); }

/* u64 routine(u64 a0, u64 a1) of random steps. */
static void write_routine(u32 *code, u64 *random) {
  for (u32 i = 0; i < INSNS_PER_ROUTINE - 1; i++) {
    u32 number = random_next(random);
    u32 imm = number >> 8 & 0x7ff;
    code[i] = number % 4 == 0   ? ADDI(A0, A0, imm)
              : number % 4 == 1 ? XORI(A0, A0, imm)
              : number % 4 == 2 ? SLLI(A1, A1, 1)
                                : ADD(A0, A0, A1);
  }
  code[INSNS_PER_ROUTINE - 1] = RET;
}

u64 bench(u64 iterations) {
  u64 random = 11;
  u64 checksum = 1;
  for (u32 i = 0; i < ROUTINES; i++) write_routine(routines[i], &random);
  fence_i();
  for (u64 i = 0; i < iterations; i++) {
    u32 *code = routines[i / CHANGES_PER_ROUTINE % ROUTINES];
    if (i % CHANGES_PER_ROUTINE == 0) write_routine(code, &random);
    code[i % (INSNS_PER_ROUTINE - 1)] = ADDI(A0, A0, i & 0x7ff);
    fence_i();
    for (u32 call = 0; call < CALLS_PER_CHANGE; call++) checksum = ((u64(*)(u64, u64))code)(checksum, call);
  }
  return checksum;
}
