/*
 * Registers of devices, read as polling drivers do: a serial port's line control, and status registers of virtio slots. Not the
 * line status: who polls that waits for input, and a run without input ends there.
 */
#include "bench.h"

#define UART_LCR 0x10000003ul
#define LCR_EIGHT_BITS 3
#define VIRTIO_SLOT(index) (0x10001000ul + 0x1000ul * (index))
#define VIRTIO_MAGIC 0x000
#define VIRTIO_STATUS 0x070
#define READS_PER_ITERATION 8

const char bench_name[] = "mmio";

u64 bench(u64 iterations) {
  u64 checksum = 0;
  mmio_write8(UART_LCR, LCR_EIGHT_BITS); /* as firmware leaves it, where there is any */
  for (u64 i = 0; i < iterations; i++) {
    u64 slot = VIRTIO_SLOT(i % 8);
    u64 seen = 0;
    for (u32 read = 0; read < READS_PER_ITERATION / 4; read++) {
      seen += mmio_read8(UART_LCR);
      seen += mmio_read32(slot + VIRTIO_MAGIC);
      seen += mmio_read8(UART_LCR);
      seen += mmio_read32(slot + VIRTIO_STATUS);
    }
    checksum = mix(checksum, seen);
  }
  return checksum;
}
