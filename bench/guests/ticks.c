/* Interrupts: a fixed amount of computing with a timer tick every 100 us of guest time, through the SBI and a trap. */
#include "bench.h"
#include "sbi.h"

#define TICK_MTIME 1000 /* at 10 MHz */
#define STEPS_PER_ITERATION 1000
#define SIE_STIE (1ul << IRQ_TIMER_S)

const char bench_name[] = "ticks";

void timer_entry(void);
volatile u64 ticks_taken;

/* Called by timer_entry, which saves what C may change. */
void timer_tick(void) {
  ticks_taken++;
  sbi_call(SBI_EXT_TIME, 0, read_time() + TICK_MTIME, 0, 0, 0);
}

u64 bench(u64 iterations) {
  u64 checksum = 1;
  CSR_WRITE(stvec, timer_entry);
  sbi_call(SBI_EXT_TIME, 0, read_time() + TICK_MTIME, 0, 0, 0);
  CSR_SET(sie, SIE_STIE);
  CSR_SET(sstatus, SSTATUS_SIE);
  for (u64 i = 0; i < iterations; i++) {
    for (u32 step = 0; step < STEPS_PER_ITERATION; step++) checksum = mix(checksum, step);
  }
  CSR_CLEAR(sstatus, SSTATUS_SIE);
  print("ticks taken %u\n", ticks_taken);
  return checksum;
}
