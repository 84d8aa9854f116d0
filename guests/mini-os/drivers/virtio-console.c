/*
 * A virtio console. Text is copied into a ring of buffers, which are taken back when one is needed: output costs no interrupts. A
 * full ring is waited for without sleeping, since the kernel prints from everywhere.
 */
#include "driver-list.h"
#include "virtio.h"

#define QUEUE_TRANSMIT 1
#define BUFFER_BYTES 160

static struct virtio_device device;
static struct virtq queue;
static char buffers[VIRTQ_SIZE][BUFFER_BYTES];

static bool start(void) {
  if (!virtio_find(&device, VIRTIO_ID_CONSOLE, VIRTIO_F_EVENT_IDX)) return false;
  if (!virtq_setup(&queue, &device, QUEUE_TRANSMIT)) return false;
  virtio_ready(&device);
  return true;
}

static void wait_for_free(u32 count) {
  u32 unused;
  while (queue.free_count < count) virtq_take(&queue, &unused);
}

static void write(const char *text, u64 length_bytes) {
  for (u64 done = 0; done < length_bytes;) {
    u64 part = length_bytes - done < BUFFER_BYTES ? length_bytes - done : BUFFER_BYTES;
    wait_for_free(1);
    char *buffer = buffers[queue.free_head]; /* by the head of its chain, which has one descriptor */
    memcpy(buffer, text + done, part);
    struct segment segment = {buffer, (u32)part, false};
    virtq_add(&queue, &segment, 1);
    virtq_publish(&queue);
    done += part;
  }
}

static void flush(void) { wait_for_free(VIRTQ_SIZE); }

const struct console_driver virtio_console = {
    .driver = {"virtio-console", start},
    .write = write,
    .flush = flush,
};
