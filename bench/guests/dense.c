/* A call of the SBI after each piece of work, so that there is an event in every 2,000 cycles: 500,000 in a second of guest time. */
#include "bench.h"
#include "sbi.h"

#define WORDS 1024
#define STEPS 91

const char bench_name[] = "dense";

static u64 words[WORDS];

/* Some 1,400 cycles: loads, stores and sums, as between two requests of a driver. */
static u64 work(u64 seed) {
  u64 sum = seed;
  u32 at = (u32)seed % WORDS;
  for (u32 step = 0; step < STEPS; step++) {
    words[at] += sum ^ step;
    sum = (sum << 7 | sum >> 57) + words[at];
    at = (at + 1) % WORDS;
  }
  return sum;
}

u64 bench(u64 iterations) {
  u64 checksum = 0;
  for (u64 i = 0; i < iterations; i++) {
    struct sbi_result result = sbi_call(SBI_EXT_BASE, SBI_BASE_PROBE, i % 2 ? SBI_EXT_TIME : SBI_EXT_HSM, 0, 0, 0);
    checksum = mix(checksum, work(i) + (u64)(result.error == SBI_SUCCESS));
  }
  return checksum;
}
