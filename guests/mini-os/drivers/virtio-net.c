/*
 * A virtio network device (virtio 1.2 section 5.1). It interrupts for a frame only while a receiver has found the ring empty, and
 * for transmitted ones only while a sender has found it full.
 */
#include "driver-list.h"
#include "syscall.h"
#include "trap.h"
#include "virtio.h"

#define NET_F_MAC (1ul << 5)
#define CONFIG_MAC 0
#define QUEUE_RECEIVE 0
#define QUEUE_TRANSMIT 1
#define REFILL_BATCH 8

/* Section 5.1.6.1, with all of it zero: no offloads. Padded, so that frames are aligned for copies. */
#define HEADER_BYTES 12
#define PADDING_BYTES 4

struct packet {
  u8 padding[PADDING_BYTES];
  u8 header[HEADER_BYTES];
  u8 frame[FRAME_BYTES_MAX + 6]; /* to whole words */
} __attribute__((aligned(8)));

static struct virtio_device device;
static struct virtq receive_queue;
static struct virtq transmit_queue;
/* Packets go by the head of their chain, which has one descriptor. */
static struct packet received[VIRTQ_SIZE];
static struct packet transmitted[VIRTQ_SIZE];
static u8 mac[6];

static void interrupt(void) {
  virtio_acknowledge(&device);
  net_completed();
}

static void offer_next(void) {
  struct segment segment = {received[receive_queue.free_head].header, HEADER_BYTES + FRAME_BYTES_MAX, true};
  virtq_add(&receive_queue, &segment, 1);
}

static bool start(void) {
  if (!virtio_find(&device, VIRTIO_ID_NET, VIRTIO_F_EVENT_IDX | NET_F_MAC)) return false;
  if (!virtq_setup(&receive_queue, &device, QUEUE_RECEIVE)) return false;
  if (!virtq_setup(&transmit_queue, &device, QUEUE_TRANSMIT)) return false;
  for (u32 i = 0; i < sizeof mac; i++) mac[i] = virtio_config8(&device, CONFIG_MAC + i);
  virtio_ready(&device);
  interrupt_route(device.irq, interrupt);
  while (receive_queue.free_count > 0) offer_next();
  virtq_publish(&receive_queue);
  return true;
}

static const u8 *address(void) { return mac; }

static void take_back_transmitted(void) {
  u32 unused;
  while (virtq_take(&transmit_queue, &unused) >= 0) continue;
}

static bool transmit(const void *frame, u32 length_bytes) {
  if (transmit_queue.free_count == 0) take_back_transmitted();
  if (transmit_queue.free_count == 0) {
    virtq_interrupt_after(&transmit_queue, VIRTQ_SIZE / 2);
    /* What was used before the wish could be seen comes without an interrupt. */
    if (virtq_used_waiting(&transmit_queue) == 0) return false;
    take_back_transmitted();
  }
  struct packet *packet = &transmitted[transmit_queue.free_head];
  memcpy(packet->frame, frame, length_bytes);
  struct segment segment = {packet->header, HEADER_BYTES + length_bytes, false};
  virtq_add(&transmit_queue, &segment, 1);
  virtq_publish(&transmit_queue);
  return true;
}

static u32 receive(void *frame, u32 room_bytes) {
  u32 length;
  i32 head = virtq_take(&receive_queue, &length);
  if (head < 0) {
    virtq_interrupt_after(&receive_queue, 1);
    head = virtq_take(&receive_queue, &length);
    if (head < 0) return 0;
  }
  length -= HEADER_BYTES;
  memcpy(frame, received[head].frame, length < room_bytes ? length : room_bytes);
  offer_next();
  if ((u16)(receive_queue.added - receive_queue.published) >= REFILL_BATCH) virtq_publish(&receive_queue);
  return length;
}

const struct net_driver virtio_net = {
    .driver = {"virtio-net", start},
    .address = address,
    .transmit = transmit,
    .receive = receive,
};
