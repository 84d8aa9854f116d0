/*
 * A ring's round trip: the entropy device is asked for eight bytes, the hart sleeps until its interrupt, acknowledges it and takes
 * the answer. What comes is random, so the checksum is over lengths.
 */
#include "bench.h"
#include "virtio.h"

#define SLOTS 8
#define SLOT(index) (0x10001000ul + 0x1000ul * (index))
#define SLOT_IRQ(index) (1 + (index))
#define PLIC_PRIORITY(irq) (0x0c000000ul + 4 * (irq))
/* Context 1: hart 0 in S-mode. */
#define PLIC_ENABLE 0x0c002080ul
#define PLIC_THRESHOLD 0x0c201000ul
#define PLIC_CLAIM 0x0c201004ul
#define SIE_SEIE (1ul << IRQ_EXTERNAL_S)
#define ANSWER_BYTES 8

const char bench_name[] = "doorbell";

static struct virtq queue;
static struct virtio_device device;
static u8 answer[ANSWER_BYTES];

static bool open_entropy(void) {
  for (u32 slot = 0; slot < SLOTS; slot++) {
    if (virtio_probe(SLOT(slot)) != VIRTIO_ID_ENTROPY) continue;
    if (!virtio_start(&device, SLOT(slot), SLOT_IRQ(slot), VIRTIO_F_EVENT_IDX)) return false;
    if (!virtq_setup(&queue, &device, 0)) return false;
    virtio_ready(&device);
    mmio_write32(PLIC_PRIORITY(device.irq), 1);
    mmio_write32(PLIC_ENABLE, 1u << device.irq);
    mmio_write32(PLIC_THRESHOLD, 0);
    CSR_SET(sie, SIE_SEIE);
    return true;
  }
  return false;
}

u64 bench(u64 iterations) {
  if (!open_entropy()) {
    print("no entropy device\n");
    machine_end(false);
  }
  const struct segment segment = {answer, ANSWER_BYTES, true};
  u64 checksum = 0;
  for (u64 i = 0; i < iterations; i++) {
    virtq_add(&queue, &segment, 1);
    virtq_interrupt_after(&queue, 1);
    virtq_publish(&queue);
    while (virtq_used_waiting(&queue) == 0) wait_for_interrupt();
    u32 irq = mmio_read32(PLIC_CLAIM);
    virtio_acknowledge(&device);
    mmio_write32(PLIC_CLAIM, irq);
    u32 length_bytes = 0;
    virtq_take(&queue, &length_bytes);
    checksum = mix(checksum, length_bytes + irq * 0);
  }
  return checksum;
}
