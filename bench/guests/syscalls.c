/* System calls: a U-mode program asks an S-mode kernel, which saves all registers, looks the call up and goes back. */
#include "bench.h"

const char bench_name[] = "syscalls";

void supervisor_run(void (*function)(void));
/* Runs the function in U-mode until it makes call 0 (syscalls-entry.S). */
void user_run(void (*function)(void));

struct frame {
  u64 sepc;
  u64 sstatus;
  u64 x[32];
};

enum call { CALL_EXIT, CALL_IDENTITY, CALL_ADD, CALL_TIME_OF_WORK, CALL_COUNT, CALLS };

static u64 calls[CALLS];
static u64 iterations_left;
static u64 result;

static u64 call_identity(const struct frame *frame) {
  (void)frame;
  return 42;
}

static u64 call_add(const struct frame *frame) { return frame->x[10] + frame->x[11]; }
static u64 call_work(const struct frame *frame) { return calls[CALL_ADD] + frame->x[10]; }
static u64 call_count(const struct frame *frame) { return frame->x[10] < CALLS ? calls[frame->x[10]] : 0; }

static u64 (*const handlers[CALLS])(const struct frame *) = {NULL, call_identity, call_add, call_work, call_count};

/* False for the end of the program. */
bool system_call(struct frame *frame) {
  u64 call = frame->x[17];
  if (call == CALL_EXIT || call >= CALLS) return false;
  calls[call]++;
  frame->x[10] = handlers[call](frame);
  frame->sepc += 4;
  return true;
}

static inline u64 ask(u64 call, u64 first, u64 second) {
  register u64 a0 __asm__("a0") = first;
  register u64 a1 __asm__("a1") = second;
  register u64 a7 __asm__("a7") = call;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
  return a0;
}

static void program(void) {
  u64 checksum = 0;
  for (u64 i = 0; i < iterations_left; i++) {
    checksum = mix(checksum, ask(CALL_IDENTITY, 0, 0));
    checksum = mix(checksum, ask(CALL_ADD, checksum, i));
    checksum = mix(checksum, ask(CALL_TIME_OF_WORK, i, 0));
    checksum = mix(checksum, ask(CALL_COUNT, i % 8, 0));
  }
  result = checksum;
  ask(CALL_EXIT, 0, 0);
}

static void kernel(void) { user_run(program); }

u64 bench(u64 iterations) {
  iterations_left = iterations;
  CSR_WRITE(medeleg, 1ul << CAUSE_ECALL_U);
  supervisor_run(kernel);
  return result;
}
