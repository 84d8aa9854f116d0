/* Much code: thousands of generated functions, called at random through a table (see generate-functions.mjs). */
#include "bench.h"

const char bench_name[] = "large-code";

typedef u64 (*function)(u64, u64);
extern const function functions[];
extern const u32 function_count;

u64 bench(u64 iterations) {
  u64 random = 7;
  u64 checksum = 1;
  for (u64 i = 0; i < iterations; i++) {
    u32 index = (u32)((u64)random_next(&random) * function_count >> 32);
    checksum = functions[index](checksum, i);
  }
  return checksum;
}
