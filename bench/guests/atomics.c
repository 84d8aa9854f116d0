/* Atomics: counters, maxima, queues' exchange and a lock by LR/SC, on a table of words as a kernel has them. */
#include "bench.h"

#define WORDS 64

const char bench_name[] = "atomics";

static u64 words[WORDS];
static u32 lock;
static u64 guarded;

static inline u64 amo_add(u64 *at, u64 by) { return __atomic_fetch_add(at, by, __ATOMIC_ACQ_REL); }
static inline u64 amo_swap(u64 *at, u64 value) { return __atomic_exchange_n(at, value, __ATOMIC_ACQ_REL); }

static inline u64 amo_max(u64 *at, u64 value) {
  u64 before;
  __asm__ volatile("amomaxu.d %0, %2, (%1)" : "=&r"(before) : "r"(at), "r"(value) : "memory");
  return before;
}

static inline void take_lock(u32 *at) {
  u32 seen, failed;
  __asm__ volatile(
    "1: lr.w.aq %0, (%2)\n"
    "   bnez %0, 1b\n"
    "   sc.w.rl %1, %3, (%2)\n"
    "   bnez %1, 1b\n"
    : "=&r"(seen), "=&r"(failed) : "r"(at), "r"(1) : "memory");
}

static inline bool compare_and_swap(u64 *at, u64 wanted, u64 value) {
  return __atomic_compare_exchange_n(at, &wanted, value, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

u64 bench(u64 iterations) {
  u64 random = 5;
  u64 checksum = 0;
  for (u64 i = 0; i < iterations; i++) {
    u64 *at = &words[random_next(&random) % WORDS];
    checksum += amo_add(at, i);
    checksum ^= amo_swap(&words[i % WORDS], checksum);
    checksum += amo_max(at, checksum >> 8);
    take_lock(&lock);
    guarded = guarded * 3 + i;
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    u64 seen = *at;
    while (!compare_and_swap(at, seen, seen ^ i)) seen = *at;
  }
  for (u32 i = 0; i < WORDS; i++) checksum = mix(checksum, words[i]);
  return mix(checksum, guarded);
}
