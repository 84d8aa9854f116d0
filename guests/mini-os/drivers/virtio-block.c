/*
 * A virtio disk (virtio 1.2 section 5.2). A transfer goes to the device in one chain, or in as few as its limit on segments allows (section
 * 5.2.6.1), with one interrupt after the last.
 */
#include "driver-list.h"
#include "trap.h"
#include "virtio.h"

#define CONFIG_CAPACITY 0
#define CONFIG_SEG_MAX 12
#define BLOCK_T_IN 0
#define BLOCK_T_OUT 1
#define BLOCK_S_OK 0
#define STATUS_UNSET 0xff
#define SECTOR_BYTES 512

struct header {
  u32 type;
  u32 reserved;
  u64 sector;
};

static struct virtio_device device;
static struct virtq queue;
static struct header headers[BLOCK_REQUESTS_MAX];
static volatile u8 statuses[BLOCK_REQUESTS_MAX];
static struct block_request *submitted;
static u32 submitted_count;
static u32 pages_max; /* of a chain */
static u8 first_of[VIRTQ_SIZE]; /* request, by head of the chain */

static void interrupt(void) {
  u32 unused;
  virtio_acknowledge(&device);
  for (i32 head; (head = virtq_take(&queue, &unused)) >= 0;) {
    u32 first = first_of[head];
    for (u32 i = first; i < submitted_count && i - first < pages_max; i++) {
      submitted[i].failed = statuses[first] != BLOCK_S_OK;
      submitted[i].done = true;
    }
  }
  block_completed();
}

static bool start(void) {
  u64 wanted = VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC | VIRTIO_BLK_F_SEG_MAX;
  if (!virtio_find(&device, VIRTIO_ID_BLOCK, wanted)) return false;
  /* With direct descriptors, a whole batch would not fit into the ring. */
  if ((device.features & VIRTIO_F_INDIRECT_DESC) == 0 || !virtq_setup(&queue, &device, 0)) return false;
  /* A device that says nothing of segments may not take more than one. */
  pages_max = device.features & VIRTIO_BLK_F_SEG_MAX ? virtio_config32(&device, CONFIG_SEG_MAX) : 1;
  if (pages_max > BLOCK_REQUESTS_MAX) pages_max = BLOCK_REQUESTS_MAX;
  if (pages_max == 0) return false;
  virtio_ready(&device);
  interrupt_route(device.irq, interrupt);
  return true;
}

static u64 sectors(void) {
  return virtio_config32(&device, CONFIG_CAPACITY) | (u64)virtio_config32(&device, CONFIG_CAPACITY + 4) << 32;
}

/* One chain for `count` requests, from the one of that number on. */
static void add_chain(u32 first, u32 count) {
  const struct block_request *requests = &submitted[first];
  bool write = requests[0].write;
  headers[first] = (struct header){.type = write ? BLOCK_T_OUT : BLOCK_T_IN, .sector = requests[0].sector};
  statuses[first] = STATUS_UNSET;
  struct segment segments[BLOCK_REQUESTS_MAX + 2];
  segments[0] = (struct segment){&headers[first], sizeof headers[first], false};
  for (u32 i = 0; i < count; i++) {
    segments[i + 1] = (struct segment){requests[i].data, requests[i].sector_count * SECTOR_BYTES, !write};
  }
  segments[count + 1] = (struct segment){&statuses[first], 1, true};
  first_of[virtq_add(&queue, segments, count + 2)] = (u8)first;
}

static void submit(struct block_request *requests, u32 count) {
  submitted = requests;
  submitted_count = count;
  u16 chains = 0;
  for (u32 first = 0; first < count; first += pages_max) {
    add_chain(first, count - first < pages_max ? count - first : pages_max);
    chains++;
  }
  virtq_interrupt_after(&queue, chains);
  virtq_publish(&queue);
}

const struct block_driver virtio_block = {
    .driver = {"virtio-block", start},
    .sectors = sectors,
    .submit = submit,
};
