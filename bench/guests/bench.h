/*
 * What every benchmark guest is made of: a `bench` that repeats its work and answers a checksum. The shared `main` prints the
 * checksum with the number of retired instructions and ends the machine.
 */
#ifndef BENCH_H
#define BENCH_H

#include "base.h"
#include "print.h"

/* 64 MiB that nothing else uses: neither the image, nor firmware below it, nor a device tree at the end of 128 MiB of RAM. */
#define BUFFER 0x83000000ul
#define BUFFER_BYTES (64ul << 20)

/* Does the work `iterations` times and answers a checksum over its results; none at all must work too. */
u64 bench(u64 iterations);
extern const char bench_name[];

/* Ends the machine: the test finisher in M-mode, SBI in S-mode. */
__attribute__((noreturn)) void machine_end(bool passed);
/* Retired instructions since reset, as this privilege reads them. */
u64 retired_instructions(void);

/* Numerical Recipes' linear congruential generator, its upper half. */
static inline u32 random_next(u64 *state) {
  *state = *state * 6364136223846793005ul + 1442695040888963407ul;
  return (u32)(*state >> 32);
}

static inline u64 mix(u64 checksum, u64 value) {
  checksum = (checksum ^ value) * 0x9e3779b97f4a7c15ul;
  return checksum ^ checksum >> 29;
}

#endif
