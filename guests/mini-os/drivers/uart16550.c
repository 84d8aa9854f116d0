/* A 16550 UART, polled: line status and transmit register for each byte. */
#include "driver-list.h"
#include "platform.h"

#define UART_THR 0
#define UART_IER 1
#define UART_FCR 2
#define UART_FCR_ENABLE 1
#define UART_LSR 5
#define UART_LSR_THRE 0x20
#define UART_LSR_TEMT 0x40

static bool start(void) {
  if (board.uart_base == 0) return false;
  mmio_write8(board.uart_base + UART_IER, 0);
  mmio_write8(board.uart_base + UART_FCR, UART_FCR_ENABLE);
  return true;
}

static void wait_for(u8 status) {
  while ((mmio_read8(board.uart_base + UART_LSR) & status) == 0) continue;
}

static void write(const char *text, u64 length_bytes) {
  for (u64 i = 0; i < length_bytes; i++) {
    wait_for(UART_LSR_THRE);
    mmio_write8(board.uart_base + UART_THR, (u8)text[i]);
  }
}

static void flush(void) { wait_for(UART_LSR_TEMT); }

const struct console_driver uart16550 = {
    .driver = {"uart16550", start},
    .write = write,
    .flush = flush,
};
