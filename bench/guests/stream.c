/* Streaming: copy, add and scaled add over three arrays that fill 64 MiB together. */
#include "bench.h"

#define WORDS (BUFFER_BYTES / 3 / sizeof(u64))

const char bench_name[] = "stream";

static u64 *const a = (u64 *)BUFFER;
static u64 *const b = (u64 *)BUFFER + WORDS;
static u64 *const c = (u64 *)BUFFER + 2 * WORDS;

u64 bench(u64 iterations) {
  for (u64 i = 0; i < WORDS; i++) {
    a[i] = i;
    b[i] = 2 * i + 1;
    c[i] = 0;
  }
  for (u64 round = 0; round < iterations; round++) {
    for (u64 i = 0; i < WORDS; i++) c[i] = a[i];
    for (u64 i = 0; i < WORDS; i++) a[i] = b[i] + c[i];
    for (u64 i = 0; i < WORDS; i++) b[i] = c[i] + 3 * a[i];
  }
  u64 checksum = 0;
  for (u64 i = 0; i < WORDS; i += 4099) checksum = mix(checksum, a[i] + b[i] + c[i]);
  return checksum;
}
