/* The frame of every benchmark guest: console, iteration count, result line. */
#include "bench.h"

#define UART 0x10000000ul
#define UART_LSR (UART + 5)
#define UART_LSR_THRE 0x20

/* The runner writes the count over this mark in the image, so that one image serves every length of a run. */
const volatile u64 bench_iterations = 0x7465726174696f6eul;

void console_write(const char *text, u64 length_bytes) {
  for (u64 i = 0; i < length_bytes; i++) {
    while ((mmio_read8(UART_LSR) & UART_LSR_THRE) == 0) continue;
    mmio_write8(UART, (u8)text[i]);
  }
}

void bench_main(void) {
  u64 start = retired_instructions();
  u64 checksum = bench(bench_iterations);
  u64 retired = retired_instructions() - start;
  print("%s checksum %x instructions %u\n", bench_name, checksum, retired);
  machine_end(true);
}

/* Reached by the trap entry of the start code: no guest traps there on purpose. */
void unexpected_trap(u64 cause, u64 epc, u64 tval) {
  print("trap: cause %x epc %x tval %x\n", cause, epc, tval);
  machine_end(false);
}
