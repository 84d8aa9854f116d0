/*
 * A small kernel whose platform can be exchanged: the same processes, page tables, drivers and programs run on a bare machine, under
 * full virtualization, and paravirtualized. It runs the workload that its boot arguments name, and powers off.
 */
#include "drivers.h"
#include "print.h"
#include "process.h"
#include "trap.h"

#define ARGUMENTS_BYTES 256

struct board board;

static char arguments[ARGUMENTS_BYTES];

void power_off(bool success) {
  console_flush();
  platform.shutdown(success);
  __builtin_unreachable();
}

void panic(const char *text, u64 value) {
  platform.cpu.irq_disable();
  print("panic: %s (0x%x)\n", text, value);
  power_off(false);
}

/* Boot arguments lie in memory that is given to processes later. */
static void keep_arguments(void) {
  u64 length = strlen(board.bootargs);
  if (length >= ARGUMENTS_BYTES) panic("boot arguments are too long", length);
  memcpy(arguments, board.bootargs, length);
  board.bootargs = arguments;
}

/* Called by the platform's start code on the boot stack, with interrupts masked and the board known. Other harts stay stopped. */
void kernel_main(void) {
  platform.trap.start();
  pages_start();
  platform.mmu.start();
  platform.irq.start();
  console_start();
  keep_arguments();
  block_start();
  net_start();
  process_start_first(arguments);
  timer_start();
  schedule_start();
}
