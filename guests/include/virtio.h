/*
 * Virtio 1.2 driver side: devices on the MMIO transport (section 4.2) and split virtqueues (section 2.7).
 */
#ifndef GUEST_VIRTIO_H
#define GUEST_VIRTIO_H

#include "base.h"

#define VIRTIO_ID_NET 1
#define VIRTIO_ID_BLOCK 2
#define VIRTIO_ID_CONSOLE 3
#define VIRTIO_ID_ENTROPY 4

#define VIRTIO_F_INDIRECT_DESC (1ul << 28)
#define VIRTIO_F_EVENT_IDX (1ul << 29)
#define VIRTIO_F_VERSION_1 (1ul << 32)
#define VIRTIO_BLK_F_SEG_MAX (1ul << 2)
#define VIRTIO_BLK_F_FLUSH (1ul << 9)

#define VIRTQ_SIZE 16
#ifndef VIRTQ_SEGMENTS_MAX /* a guest may want longer chains */
#define VIRTQ_SEGMENTS_MAX 4
#endif

struct virtq_desc {
  u64 addr;
  u32 len;
  u16 flags;
  u16 next;
};

struct virtq_avail {
  u16 flags;
  u16 idx;
  u16 ring[VIRTQ_SIZE];
  u16 used_event;
};

struct virtq_used {
  u16 flags;
  u16 idx;
  struct {
    u32 id;
    u32 len;
  } ring[VIRTQ_SIZE];
  u16 avail_event;
};

/* Part of a buffer as the device sees it. Readable parts come before writable ones (virtio 1.2 section 2.7.4.2). */
struct segment {
  const volatile void *address;
  u32 length_bytes;
  bool device_writes;
};

struct virtio_device {
  u64 base;
  u32 irq;
  u64 features; /* negotiated */
  u32 interrupts; /* taken so far */
};

struct virtq {
  struct virtq_desc desc[VIRTQ_SIZE] __attribute__((aligned(16)));
  struct virtq_avail avail __attribute__((aligned(2)));
  struct virtq_used used __attribute__((aligned(4)));
  struct virtq_desc indirect[VIRTQ_SIZE][VIRTQ_SEGMENTS_MAX] __attribute__((aligned(16)));
  struct virtio_device *device;
  u32 index;
  u16 free_head;
  u16 free_count;
  u16 added; /* chains placed in the avail ring, published or not */
  u16 published;
  u16 taken; /* used entries consumed */
  u32 notifications;
};

/* Device id of the slot; 0: nothing there, or not a modern virtio-mmio device. */
u32 virtio_probe(u64 base);

/* Resets the device and negotiates `wanted` (VERSION_1 is implied). False if the device refuses. */
bool virtio_start(struct virtio_device *device, u64 base, u32 irq, u64 wanted);
/* Call after every queue is set up. */
void virtio_ready(struct virtio_device *device);
/* Reads the interrupt status and acknowledges it. */
void virtio_acknowledge(struct virtio_device *device);
u32 virtio_config32(const struct virtio_device *device, u32 offset);
/* Fields of one byte are read as such (virtio 1.2 section 4.2.2.2). */
static inline u8 virtio_config8(const struct virtio_device *device, u32 offset) {
  return mmio_read8(device->base + 0x100 + offset);
}

bool virtq_setup(struct virtq *queue, struct virtio_device *device, u32 index);
/* Adds a chain without publishing it; several segments go into an indirect table if the device has INDIRECT. The head, or -1 if full. */
i32 virtq_add(struct virtq *queue, const struct segment *segments, u32 count);
/* Publishes what was added and notifies the device if it asked for that. */
void virtq_publish(struct virtq *queue);
/* Takes one used entry and frees its chain. The head, or -1 if there is none. */
i32 virtq_take(struct virtq *queue, u32 *length_bytes);
u16 virtq_used_waiting(const struct virtq *queue);
/* Asks for an interrupt once `count` more entries than now taken are used; 0 asks for none. */
void virtq_interrupt_after(struct virtq *queue, u16 count);

#endif
