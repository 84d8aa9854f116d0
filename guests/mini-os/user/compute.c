/* Work without the kernel: arithmetic, sorting and tables in user mode. */
#include "user.h"

#define VALUES 256
#define SIEVE_LIMIT 2048

/* Shell's method, by gaps of Ciura. */
static void sort(u64 *values, u64 count) {
  static const u64 gaps[] = {132, 57, 23, 10, 4, 1};
  for (u64 g = 0; g < ARRAY_LENGTH(gaps); g++) {
    u64 gap = gaps[g];
    for (u64 i = gap; i < count; i++) {
      u64 value = values[i];
      u64 at = i;
      for (; at >= gap && values[at - gap] > value; at -= gap) values[at] = values[at - gap];
      values[at] = value;
    }
  }
}

/* Primes below the limit. */
static u64 count_primes(u8 *composite) {
  u64 count = 0;
  memset(composite, 0, SIEVE_LIMIT);
  for (u64 number = 2; number < SIEVE_LIMIT; number++) {
    if (composite[number]) continue;
    count++;
    for (u64 multiple = number * number; multiple < SIEVE_LIMIT; multiple += number) composite[multiple] = 1;
  }
  return count;
}

u32 workload_compute(u64 iterations) {
  static u64 values[VALUES];
  static u8 composite[SIEVE_LIMIT];
  u32 checksum = CHECKSUM_START;
  for (u64 i = 0; i < iterations; i++) {
    for (u64 v = 0; v < VALUES; v++) values[v] = scramble(i * VALUES + v);
    sort(values, VALUES);
    checksum = checksum_words(checksum, values, VALUES);
    checksum = checksum_add(checksum, count_primes(composite));
  }
  return checksum;
}
