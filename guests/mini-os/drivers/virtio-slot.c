/* The search for a virtio-mmio device. */
#include "driver-list.h"
#include "platform.h"
#include "virtio.h"

bool virtio_find(struct virtio_device *device, u32 device_id, u64 features) {
  for (u32 i = 0; i < board.virtio_count; i++) {
    const struct board_slot *slot = &board.virtio[i];
    if (virtio_probe(slot->base) == device_id) return virtio_start(device, slot->base, slot->irq, features);
  }
  return false;
}
