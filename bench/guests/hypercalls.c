/* Calls of the SBI's base extension: nothing but the way there and back. */
#include "bench.h"
#include "sbi.h"

#define SBI_BASE_IMPLEMENTATION_VERSION 2

const char bench_name[] = "hypercalls";

u64 bench(u64 iterations) {
  u64 checksum = 0;
  for (u64 i = 0; i < iterations; i++) {
    struct sbi_result result = sbi_call(SBI_EXT_BASE, SBI_BASE_PROBE, i % 2 ? SBI_EXT_TIME : SBI_EXT_HSM, 0, 0, 0);
    checksum = mix(checksum, (u64)(result.error == SBI_SUCCESS && result.value != 0) + i);
  }
  return checksum;
}
