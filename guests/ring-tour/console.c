/*
 * The console: the firmware's (SBI debug console, or the UART of the device tree) until the virtio console is up, then its rings.
 * Transmit buffers are taken back only when one is needed, so that output costs no interrupts.
 */
#include "tour.h"

#define LINE_BYTES 160
#define TX_BUFFERS VIRTQ_SIZE
#define RX_BYTES 64
#define QUEUE_RX 0
#define QUEUE_TX 1
#define UART_LSR 5
#define UART_LSR_THRE 0x20
#define DBCN_WRITE 0

static struct virtio_device device;
static struct virtq rx;
static struct virtq tx;
static bool ring_up;
static char tx_buffers[TX_BUFFERS][LINE_BYTES];
static u16 tx_next;
static u8 rx_buffer[RX_BYTES];

static void early_write(const char *text, u64 length_bytes) {
  /* A debug console may write less than asked; an answer of nothing written ends the attempt. */
  while (length_bytes > 0 && sbi_probe(SBI_EXT_DBCN)) {
    struct sbi_result result = sbi_call(SBI_EXT_DBCN, DBCN_WRITE, length_bytes, (u64)text, 0, 0);
    if (result.error != SBI_SUCCESS || result.value <= 0 || (u64)result.value > length_bytes) break;
    text += result.value;
    length_bytes -= (u64)result.value;
  }
  if (board.uart_base == 0) return;
  for (; length_bytes > 0; text++, length_bytes--) {
    while ((mmio_read8(board.uart_base + UART_LSR) & UART_LSR_THRE) == 0) continue;
    mmio_write8(board.uart_base, (u8)*text);
  }
}

static void reclaim(void) {
  u32 length;
  while (virtq_take(&tx, &length) >= 0) check(length == 0, "the console writes nothing into a transmit buffer");
}

static bool has_used(const void *queue) { return virtq_used_waiting(queue) > 0; }

static bool all_used(const void *queue) {
  return virtq_used_waiting(queue) == VIRTQ_SIZE - ((const struct virtq *)queue)->free_count;
}

void console_write(const char *text, u64 length_bytes) {
  if (!ring_up) {
    early_write(text, length_bytes);
    return;
  }
  reclaim();
  if (tx.free_count == 0) {
    virtq_interrupt_after(&tx, 1);
    wait_until(has_used, &tx);
    reclaim();
  }
  virtq_interrupt_after(&tx, 0);
  char *buffer = tx_buffers[tx_next++ % TX_BUFFERS];
  memcpy(buffer, text, length_bytes);
  struct segment segment = {buffer, (u32)length_bytes, false};
  check(virtq_add(&tx, &segment, 1) >= 0, "a transmit buffer is free");
  virtq_publish(&tx);
}

bool console_start(const struct board_slot *slot) {
  if (!virtio_start(&device, slot->base, slot->irq, VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)) return false;
  if (!virtq_setup(&rx, &device, QUEUE_RX) || !virtq_setup(&tx, &device, QUEUE_TX)) return false;
  virtio_ready(&device);
  interrupt_route(&device);
  ring_up = true;
  return true;
}

void console_flush(void) {
  if (!ring_up) return;
  u16 open = (u16)(VIRTQ_SIZE - tx.free_count);
  if (open > 0) {
    virtq_interrupt_after(&tx, open);
    wait_until(all_used, &tx);
    reclaim();
  }
}

void console_fall_back(void) { ring_up = false; }

void console_read_line(char *line, u64 size) {
  u64 length = 0;
  for (;;) {
    struct segment segment = {rx_buffer, RX_BYTES, true};
    check(virtq_add(&rx, &segment, 1) >= 0, "a receive buffer is free");
    virtq_interrupt_after(&rx, 1);
    virtq_publish(&rx);
    wait_until(has_used, &rx);
    u32 received;
    check(virtq_take(&rx, &received) >= 0, "the console returns the receive buffer");
    check(received > 0 && received <= RX_BYTES, "received bytes fit the buffer");
    for (u32 i = 0; i < received; i++) {
      if (rx_buffer[i] == '\n' || rx_buffer[i] == '\r' || length + 1 == size) {
        line[length] = 0;
        return;
      }
      line[length++] = (char)rx_buffer[i];
    }
  }
}
