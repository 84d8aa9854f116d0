/*
 * Keys: asks for lines, reads them from the serial port, and prints what came. Asleep until an interrupt says that a byte is there, or for a
 * millisecond: a QEMU that records takes in keys only when a timer of its guest is due.
 */
#include "bench.h"

#define UART 0x10000000ul
#define UART_RBR UART
#define UART_IER (UART + 1)
#define UART_LSR (UART + 5)
#define UART_IER_RX 0x01
#define UART_LSR_DR 0x01

#define PLIC 0x0c000000ul
#define UART_LINE 10
#define PLIC_PRIORITY (PLIC + 4 * UART_LINE)
#define PLIC_ENABLE (PLIC + 0x2000) /* of M-mode of hart 0 */
#define PLIC_THRESHOLD (PLIC + 0x200000)
#define PLIC_CLAIM (PLIC + 0x200004)
#define MIE_MEIE (1ul << 11)
#define MIE_MTIE (1ul << 7)
#define CLINT_MTIMECMP 0x02004000ul
#define CLINT_MTIME 0x0200bff8ul
#define NAP_MTIME 10000 /* at 10 MHz */

const char bench_name[] = "keys";

/* Interrupts stay masked: one that is pending ends the sleep and no more. */
static u8 read_key(void) {
  while ((mmio_read8(UART_LSR) & UART_LSR_DR) == 0) {
    *(volatile u64 *)CLINT_MTIMECMP = *(volatile u64 *)CLINT_MTIME + NAP_MTIME;
    wait_for_interrupt();
    mmio_write32(PLIC_CLAIM, mmio_read32(PLIC_CLAIM));
  }
  return mmio_read8(UART_RBR);
}

/* Each iteration is a line. */
u64 bench(u64 iterations) {
  u64 checksum = 1;
  mmio_write32(PLIC_PRIORITY, 1);
  mmio_write32(PLIC_ENABLE, 1u << UART_LINE);
  mmio_write32(PLIC_THRESHOLD, 0);
  mmio_write8(UART_IER, UART_IER_RX);
  CSR_SET(mie, MIE_MEIE | MIE_MTIE);
  for (u64 i = 0; i < iterations; i++) {
    print("line %u: ", i);
    u8 key;
    do {
      key = read_key();
      checksum = mix(checksum, key);
      print("%x ", (u64)key);
    } while (key != '\n');
    print("\n");
  }
  return checksum;
}
