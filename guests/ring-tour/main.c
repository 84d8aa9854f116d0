/*
 * A tour of what a RISC-V guest meets in S-mode on the virt board: firmware calls, traps, paging, the timer, other harts and
 * shared rings. It checks everything that it reads and prints nothing that depends on time, entropy or who runs it, so that two
 * hosts of the same board must give the same output. It ends by powering off: as success, or as a system failure.
 */
#include "tour.h"

struct board board;
u64 boot_hart;

void power_off(u64 reason) {
  sbi_call(SBI_EXT_SRST, 0, SBI_SRST_SHUTDOWN, reason, 0, 0);
  for (;;) wait_for_interrupt();
}

void fail(const char *text, u64 line) {
  CSR_CLEAR(sstatus, SSTATUS_SIE);
  console_fall_back();
  print("FAILED: %s (line %u)\n", text, line);
  power_off(SBI_SRST_SYSTEM_FAILURE);
}

static const struct board_slot *find(u32 device_id) {
  for (u32 i = 0; i < board.virtio_count; i++) {
    if (virtio_probe(board.virtio[i].base) == device_id) return &board.virtio[i];
  }
  return NULL;
}

static bool asked_for(const char *word) {
  u64 length = strlen(word);
  for (const char *at = board.bootargs; *at != 0; at++) {
    if (memcmp(at, word, length) == 0) return true;
  }
  return false;
}

static void echo(void) {
  char line[80];
  print("echo: type a line\n");
  console_read_line(line, sizeof line);
  print("echo: %s\n", line);
}

void tour_main(u64 hart, const void *fdt) {
  boot_hart = hart;
  bool known = board_from_fdt(&board, fdt, hart);
  check(known, "the device tree describes RAM, timebase and this hart");
  check(board.ram_size_bytes >= 16ul << 20, "there are 16 MiB of RAM");
  print("ring-tour: reached through the firmware's console\n");
  interrupts_start();
  bool has_rings = !asked_for("no-rings"); /* a board may have none, but does not get away with it by itself */
  const struct board_slot *console = find(VIRTIO_ID_CONSOLE);
  check(!has_rings || (console != NULL && console_start(console)), "there is a virtio console");
  print("ring-tour: %u MiB of RAM, %u hart(s)\n", board.ram_size_bytes >> 20, (u64)board.hart_count);
  chapter_sbi();
  chapter_traps();
  chapter_paging();
  chapter_timer();
  chapter_harts();
  if (has_rings) chapter_entropy(find(VIRTIO_ID_ENTROPY));
  if (has_rings) chapter_block(find(VIRTIO_ID_BLOCK));
  if (asked_for("echo")) echo();
  print("ring-tour: all checks passed, powering off\n");
  console_flush();
  power_off(SBI_SRST_NO_REASON);
}
