/* A virtio disk (virtio 1.2 section 5.2): all requests of a transfer go in one batch, with one interrupt after the last. */
#include "driver-list.h"
#include "trap.h"
#include "virtio.h"

#define CONFIG_CAPACITY 0
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
static u8 request_of[VIRTQ_SIZE]; /* by head of the chain */

static void interrupt(void) {
  u32 unused;
  virtio_acknowledge(&device);
  for (i32 head; (head = virtq_take(&queue, &unused)) >= 0;) {
    u32 index = request_of[head];
    submitted[index].failed = statuses[index] != BLOCK_S_OK;
    submitted[index].done = true;
  }
  block_completed();
}

static bool start(void) {
  if (!virtio_find(&device, VIRTIO_ID_BLOCK, VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)) return false;
  /* With direct descriptors, a whole batch would not fit into the ring. */
  if ((device.features & VIRTIO_F_INDIRECT_DESC) == 0 || !virtq_setup(&queue, &device, 0)) return false;
  virtio_ready(&device);
  interrupt_route(device.irq, interrupt);
  return true;
}

static u64 sectors(void) {
  return virtio_config32(&device, CONFIG_CAPACITY) | (u64)virtio_config32(&device, CONFIG_CAPACITY + 4) << 32;
}

static void submit(struct block_request *requests, u32 count) {
  submitted = requests;
  for (u32 i = 0; i < count; i++) {
    const struct block_request *request = &requests[i];
    headers[i] = (struct header){.type = request->write ? BLOCK_T_OUT : BLOCK_T_IN, .sector = request->sector};
    statuses[i] = STATUS_UNSET;
    const struct segment segments[] = {
        {&headers[i], sizeof headers[i], false},
        {request->data, request->sector_count * SECTOR_BYTES, !request->write},
        {&statuses[i], 1, true},
    };
    request_of[virtq_add(&queue, segments, ARRAY_LENGTH(segments))] = (u8)i;
  }
  virtq_interrupt_after(&queue, (u16)count);
  virtq_publish(&queue);
}

const struct block_driver virtio_block = {
    .driver = {"virtio-block", start},
    .sectors = sectors,
    .submit = submit,
};
