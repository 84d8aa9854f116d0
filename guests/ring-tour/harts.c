/* Every other hart is started once, adds its share to a sum, answers with an IPI and stops. */
#include "tour.h"

#define STACK_BYTES 4096

static u8 stacks[BOARD_HARTS_MAX][STACK_BYTES] __attribute__((aligned(16)));
static u64 sum;
static volatile u64 answered;

void second_hart_main(u64 hart) {
  __atomic_fetch_add(&sum, hart + 1, __ATOMIC_RELAXED);
  answered = hart;
  fence_all();
  sbi_call(SBI_EXT_IPI, 0, 1, boot_hart, 0, 0);
  sbi_call(SBI_EXT_HSM, SBI_HSM_STOP, 0, 0, 0, 0);
}

static bool has_answered(const void *hart) { return answered == *(const u64 *)hart; }

static bool stops(u64 hart) {
  /* A stop takes a moment: the hart answers before it asks to be stopped. */
  u64 last = read_time() + board.timebase_hz;
  while (read_time() < last) {
    if (sbi_call(SBI_EXT_HSM, SBI_HSM_STATUS, hart, 0, 0, 0).value == SBI_HSM_STATE_STOPPED) return true;
  }
  return false;
}

void chapter_harts(void) {
  u64 expected = 0;
  watchdog(10);
  for (u32 i = 0; i < board.hart_count; i++) {
    u64 hart = board.hart_ids[i];
    if (hart == boot_hart) continue;
    answered = ~0ul;
    expected += hart + 1;
    u64 stack_top = (u64)stacks[i] + STACK_BYTES;
    struct sbi_result started =
        sbi_call(SBI_EXT_HSM, SBI_HSM_START, hart, (u64)second_hart_entry, stack_top, 0);
    check(started.error == SBI_SUCCESS, "a stopped hart starts");
    wait_until(has_answered, &hart);
    check(stops(hart), "it stops when it asks to");
  }
  watchdog(0);
  check(__atomic_load_n(&sum, __ATOMIC_RELAXED) == expected, "each hart ran once");
  print("harts: %u of %u others started, answered and stopped\n", (u64)board.hart_count - 1, (u64)board.hart_count - 1);
}
