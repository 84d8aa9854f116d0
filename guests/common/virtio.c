/*
 * Driver side of virtio-mmio and split virtqueues. The driver trusts its device no further than needed to stay inside its own
 * arrays: an id in the used ring is checked before it is used.
 */
#include "virtio.h"

#define REG_MAGIC 0x000
#define REG_VERSION 0x004
#define REG_DEVICE_ID 0x008
#define REG_DEVICE_FEATURES 0x010
#define REG_DEVICE_FEATURES_SEL 0x014
#define REG_DRIVER_FEATURES 0x020
#define REG_DRIVER_FEATURES_SEL 0x024
#define REG_QUEUE_SEL 0x030
#define REG_QUEUE_SIZE_MAX 0x034
#define REG_QUEUE_SIZE 0x038
#define REG_QUEUE_READY 0x044
#define REG_QUEUE_NOTIFY 0x050
#define REG_INTERRUPT_STATUS 0x060
#define REG_INTERRUPT_ACK 0x064
#define REG_STATUS 0x070
#define REG_QUEUE_DESC 0x080
#define REG_QUEUE_DRIVER 0x090
#define REG_QUEUE_DEVICE 0x0a0
#define REG_CONFIG 0x100

#define MAGIC 0x74726976u
#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER 2u
#define STATUS_DRIVER_OK 4u
#define STATUS_FEATURES_OK 8u

#define DESC_F_NEXT 1
#define DESC_F_WRITE 2
#define DESC_F_INDIRECT 4
#define AVAIL_F_NO_INTERRUPT 1
#define USED_F_NO_NOTIFY 1

u32 virtio_probe(u64 base) {
  if (mmio_read32(base + REG_MAGIC) != MAGIC || mmio_read32(base + REG_VERSION) != 2) return 0;
  return mmio_read32(base + REG_DEVICE_ID);
}

static u64 offered_features(u64 base) {
  mmio_write32(base + REG_DEVICE_FEATURES_SEL, 0);
  u64 low = mmio_read32(base + REG_DEVICE_FEATURES);
  mmio_write32(base + REG_DEVICE_FEATURES_SEL, 1);
  return low | (u64)mmio_read32(base + REG_DEVICE_FEATURES) << 32;
}

bool virtio_start(struct virtio_device *device, u64 base, u32 irq, u64 wanted) {
  /* virtio 1.2 section 3.1.1, steps 1 to 6. */
  mmio_write32(base + REG_STATUS, 0);
  mmio_write32(base + REG_STATUS, STATUS_ACKNOWLEDGE);
  mmio_write32(base + REG_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
  u64 features = offered_features(base) & (wanted | VIRTIO_F_VERSION_1);
  if ((features & VIRTIO_F_VERSION_1) == 0) return false;
  mmio_write32(base + REG_DRIVER_FEATURES_SEL, 0);
  mmio_write32(base + REG_DRIVER_FEATURES, (u32)features);
  mmio_write32(base + REG_DRIVER_FEATURES_SEL, 1);
  mmio_write32(base + REG_DRIVER_FEATURES, (u32)(features >> 32));
  mmio_write32(base + REG_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
  *device = (struct virtio_device){.base = base, .irq = irq, .features = features};
  return (mmio_read32(base + REG_STATUS) & STATUS_FEATURES_OK) != 0;
}

void virtio_ready(struct virtio_device *device) {
  fence_all();
  mmio_write32(device->base + REG_STATUS,
               STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
}

void virtio_acknowledge(struct virtio_device *device) {
  mmio_write32(device->base + REG_INTERRUPT_ACK, mmio_read32(device->base + REG_INTERRUPT_STATUS));
  device->interrupts++;
}

u32 virtio_config32(const struct virtio_device *device, u32 offset) {
  return mmio_read32(device->base + REG_CONFIG + offset);
}

static void write_address(u64 reg, const volatile void *address) {
  mmio_write32(reg, (u32)(u64)address);
  mmio_write32(reg + 4, (u32)((u64)address >> 32));
}

bool virtq_setup(struct virtq *queue, struct virtio_device *device, u32 index) {
  *queue = (struct virtq){.device = device, .index = index, .free_count = VIRTQ_SIZE};
  for (u16 i = 0; i < VIRTQ_SIZE; i++) queue->desc[i].next = (u16)(i + 1);
  u64 base = device->base;
  mmio_write32(base + REG_QUEUE_SEL, index);
  if (mmio_read32(base + REG_QUEUE_READY) != 0 || mmio_read32(base + REG_QUEUE_SIZE_MAX) < VIRTQ_SIZE) return false;
  mmio_write32(base + REG_QUEUE_SIZE, VIRTQ_SIZE);
  write_address(base + REG_QUEUE_DESC, queue->desc);
  write_address(base + REG_QUEUE_DRIVER, &queue->avail);
  write_address(base + REG_QUEUE_DEVICE, &queue->used);
  virtq_interrupt_after(queue, 0);
  mmio_write32(base + REG_QUEUE_READY, 1);
  return mmio_read32(base + REG_QUEUE_READY) == 1;
}

static struct virtq_desc descriptor(const struct segment *segment, bool more, u16 next) {
  u16 flags = (u16)((segment->device_writes ? DESC_F_WRITE : 0) | (more ? DESC_F_NEXT : 0));
  return (struct virtq_desc){(u64)segment->address, segment->length_bytes, flags, more ? next : 0};
}

/* One descriptor that points to a table with the whole chain (virtio 1.2 section 2.7.5.3). */
static void fill_indirect(struct virtq *queue, u16 head, const struct segment *segments, u32 count) {
  struct virtq_desc *table = queue->indirect[head];
  for (u32 i = 0; i < count; i++) table[i] = descriptor(&segments[i], i + 1 < count, (u16)(i + 1));
  struct virtq_desc *desc = &queue->desc[head];
  queue->free_head = desc->next;
  queue->free_count--;
  *desc = (struct virtq_desc){(u64)table, count * (u32)sizeof(struct virtq_desc), DESC_F_INDIRECT, 0};
}

static void fill_chain(struct virtq *queue, const struct segment *segments, u32 count) {
  for (u32 i = 0; i < count; i++) {
    struct virtq_desc *desc = &queue->desc[queue->free_head];
    u16 next = desc->next;
    *desc = descriptor(&segments[i], i + 1 < count, next);
    queue->free_head = next;
    queue->free_count--;
  }
}

i32 virtq_add(struct virtq *queue, const struct segment *segments, u32 count) {
  bool indirect = count > 1 && (queue->device->features & VIRTIO_F_INDIRECT_DESC) != 0;
  if (count == 0 || count > VIRTQ_SEGMENTS_MAX || queue->free_count < (indirect ? 1 : count)) return -1;
  u16 head = queue->free_head;
  if (indirect) fill_indirect(queue, head, segments, count);
  else fill_chain(queue, segments, count);
  queue->avail.ring[queue->added % VIRTQ_SIZE] = head;
  queue->added++;
  return head;
}

void virtq_publish(struct virtq *queue) {
  u16 old = queue->published;
  fence_all(); /* descriptors before the index (section 2.7.13.1) */
  *(volatile u16 *)&queue->avail.idx = queue->added;
  queue->published = queue->added;
  fence_all(); /* the index before the device's wish is read (section 2.7.13.3) */
  bool wanted;
  if (queue->device->features & VIRTIO_F_EVENT_IDX) {
    u16 event = *(volatile u16 *)&queue->used.avail_event;
    wanted = (u16)(queue->added - event - 1) < (u16)(queue->added - old);
  } else {
    wanted = (*(volatile u16 *)&queue->used.flags & USED_F_NO_NOTIFY) == 0;
  }
  if (!wanted) return;
  queue->notifications++;
  mmio_write32(queue->device->base + REG_QUEUE_NOTIFY, queue->index);
}

u16 virtq_used_waiting(const struct virtq *queue) {
  return (u16)(*(const volatile u16 *)&queue->used.idx - queue->taken);
}

static void free_chain(struct virtq *queue, u16 head) {
  u16 last = head;
  queue->free_count++;
  while (queue->desc[last].flags & DESC_F_NEXT) {
    last = queue->desc[last].next;
    queue->free_count++;
  }
  queue->desc[last].next = queue->free_head;
  queue->free_head = head;
}

i32 virtq_take(struct virtq *queue, u32 *length_bytes) {
  if (virtq_used_waiting(queue) == 0) return -1;
  fence_all(); /* the used index before the entry */
  u16 slot = queue->taken % VIRTQ_SIZE;
  u32 head = queue->used.ring[slot].id;
  *length_bytes = queue->used.ring[slot].len;
  if (head >= VIRTQ_SIZE) return -1;
  queue->taken++;
  free_chain(queue, (u16)head);
  return (i32)head;
}

void virtq_interrupt_after(struct virtq *queue, u16 count) {
  if (queue->device->features & VIRTIO_F_EVENT_IDX) {
    /* Half the index range away is as far as an event can be put: none comes before it is moved again. */
    u16 ahead = count == 0 ? 0x7fff : (u16)(count - 1);
    *(volatile u16 *)&queue->avail.used_event = (u16)(queue->taken + ahead);
  } else {
    *(volatile u16 *)&queue->avail.flags = count == 0 ? AVAIL_F_NO_INTERRUPT : 0;
  }
  fence_all();
}
