/* Periodic ticks, first by SBI call, then by writing stimecmp (Sstc), which costs no call. */
#include "tour.h"

#define TICKS 5
#define TICKS_PER_SECOND 10000

static void arm(bool sstc, u64 due) {
  if (sstc) __asm__ volatile("csrw 0x14d, %0" : : "r"(due) : "memory"); /* stimecmp */
  else check(sbi_call(SBI_EXT_TIME, 0, due, 0, 0, 0).error == SBI_SUCCESS, "set_timer succeeds");
  CSR_SET(sie, 1ul << IRQ_TIMER_S);
}

static bool ticked(const void *wanted) { return timer_interrupts >= *(const u64 *)wanted; }

static void ticks(bool sstc) {
  u64 period = board.timebase_hz / TICKS_PER_SECOND;
  u64 start = read_time();
  for (u64 i = 1; i <= TICKS; i++) {
    u64 wanted = timer_interrupts + 1;
    arm(sstc, start + i * period);
    wait_until(ticked, &wanted);
    check(read_time() >= start + i * period, "no tick comes early");
    check(timer_interrupts == wanted, "one deadline is one interrupt");
  }
  check(read_time() - start < 10 * board.timebase_hz, "ticks do not come seconds late");
}

void chapter_timer(void) {
  watchdog(0);
  ticks(false);
  print("timer: %u ticks of 100 us by sbi call, none early\n", (u64)TICKS);
  if (board.sstc) {
    ticks(true);
    print("timer: %u ticks of 100 us by stimecmp, none early\n", (u64)TICKS);
  }
  watchdog(0);
}
