/* Pointer chasing: one cycle through 64 MiB in random order, a cache line a step. Nothing can be guessed or done at once. */
#include "bench.h"

#define LINE_BYTES 64
#define LINES (BUFFER_BYTES / LINE_BYTES)
#define STEPS_PER_ITERATION 1000

const char bench_name[] = "chase";

struct line {
  struct line *next;
  u64 unused[LINE_BYTES / 8 - 1];
};

static struct line *const lines = (struct line *)BUFFER;

/* Sattolo's shuffle of the successors: a permutation that is one cycle. */
static void make_cycle(void) {
  u64 random = 1;
  for (u64 i = 0; i < LINES; i++) lines[i].next = &lines[i];
  for (u64 i = LINES - 1; i > 0; i--) {
    u64 other = (u64)random_next(&random) * i >> 32;
    struct line *next = lines[i].next;
    lines[i].next = lines[other].next;
    lines[other].next = next;
  }
}

u64 bench(u64 iterations) {
  make_cycle();
  const struct line *at = lines;
  u64 checksum = 0;
  for (u64 i = 0; i < iterations; i++) {
    for (u32 step = 0; step < STEPS_PER_ITERATION; step++) at = at->next;
    checksum = mix(checksum, (u64)at);
  }
  return checksum;
}
