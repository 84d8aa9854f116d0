/*
 * Chapters on the shared rings: several requests in flight, one notification for a batch, one interrupt after its last answer.
 */
#include "tour.h"

#define WATCHDOG_SECONDS 20

/* entropy */
#define ENTROPY_REQUESTS 4
#define ENTROPY_BYTES 32

/* block */
#define SECTOR_BYTES 512
#define SECTOR_WORDS (SECTOR_BYTES / 8)
#define BLOCK_REQUESTS 8
#define BLOCK_T_IN 0
#define BLOCK_T_OUT 1
#define BLOCK_T_FLUSH 4
#define BLOCK_S_OK 0
#define BLOCK_S_IOERR 1
#define STATUS_UNSET 0xff

struct block_request {
  u32 type;
  u32 reserved;
  u64 sector;
  volatile u8 status;
  u64 data[SECTOR_WORDS];
};

static struct virtio_device entropy_device;
static struct virtq entropy_queue;
static u8 entropy[ENTROPY_REQUESTS][ENTROPY_BYTES];

static struct virtio_device block_device;
static struct virtq block_queue;
static struct block_request requests[BLOCK_REQUESTS];

static u16 wanted_used;

static bool enough_used(const void *queue) { return virtq_used_waiting(queue) >= wanted_used; }

/* Publishes a batch and waits for all of it by interrupt. */
static void run_batch(struct virtq *queue, u16 count) {
  virtq_interrupt_after(queue, count);
  virtq_publish(queue);
  wanted_used = count;
  wait_until(enough_used, queue);
}

static bool is_zero(const u8 *bytes, u32 count) {
  u8 all = 0;
  for (u32 i = 0; i < count; i++) all |= bytes[i];
  return all == 0;
}

void chapter_entropy(const struct board_slot *slot) {
  if (slot == NULL) {
    print("entropy: no such device\n");
    return;
  }
  check(virtio_start(&entropy_device, slot->base, slot->irq, VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC),
        "the entropy device accepts the features");
  check(virtq_setup(&entropy_queue, &entropy_device, 0), "its ring is taken");
  virtio_ready(&entropy_device);
  interrupt_route(&entropy_device);
  watchdog(WATCHDOG_SECONDS);
  for (u32 i = 0; i < ENTROPY_REQUESTS; i++) {
    struct segment segment = {entropy[i], ENTROPY_BYTES, true};
    check(virtq_add(&entropy_queue, &segment, 1) >= 0, "a descriptor is free");
  }
  run_batch(&entropy_queue, ENTROPY_REQUESTS);
  watchdog(0);
  u32 length;
  for (u32 i = 0; i < ENTROPY_REQUESTS; i++) {
    check(virtq_take(&entropy_queue, &length) >= 0, "every request is answered");
    check(length > 0 && length <= ENTROPY_BYTES, "with as many bytes as fit");
  }
  check(entropy_device.interrupts > 0, "the answer came by interrupt");
  for (u32 i = 0; i < ENTROPY_REQUESTS; i++) {
    check(!is_zero(entropy[i], ENTROPY_BYTES), "the bytes are not all zero");
    for (u32 j = 0; j < i; j++) check(memcmp(entropy[i], entropy[j], ENTROPY_BYTES) != 0, "no two answers are equal");
  }
  print("entropy: %u requests in flight, all answered, all different\n", (u64)ENTROPY_REQUESTS);
}

/* The bundled pattern disk (src/cli/pattern-disk.ts): word `index` of the disk. */
static u64 pattern_word(u64 index) {
  u64 word = (index + 1) * 0x9e3779b97f4a7c15ul;
  return word ^ word >> 32;
}

static void add_request(u32 slot, u32 type, u64 sector) {
  struct block_request *request = &requests[slot];
  request->type = type;
  request->reserved = 0;
  request->sector = sector;
  request->status = STATUS_UNSET;
  struct segment segments[3] = {{request, 16, false}};
  u32 count = 1;
  if (type != BLOCK_T_FLUSH) segments[count++] = (struct segment){request->data, SECTOR_BYTES, type == BLOCK_T_IN};
  segments[count++] = (struct segment){&request->status, 1, true};
  check(virtq_add(&block_queue, segments, count) >= 0, "a descriptor is free");
}

static void finish_batch(u32 count, u8 status) {
  run_batch(&block_queue, (u16)count);
  u32 length;
  for (u32 i = 0; i < count; i++) check(virtq_take(&block_queue, &length) >= 0, "every request is answered");
  for (u32 i = 0; i < count; i++) check(requests[i].status == status, "with the right status");
}

static void one_request(u32 type, u64 sector, u8 status) {
  add_request(0, type, sector);
  finish_batch(1, status);
}

static u32 matching_sectors(u32 count) {
  u32 matching = 0;
  for (u32 i = 0; i < count; i++) {
    bool same = true;
    for (u64 j = 0; j < SECTOR_WORDS; j++) same &= requests[i].data[j] == pattern_word(requests[i].sector * SECTOR_WORDS + j);
    matching += same;
  }
  return matching;
}

/* Reads the whole disk in batches, up to 1 MiB of it; answers whether all of it is the pattern. */
static bool read_disk(u64 sectors) {
  u64 end = sectors < 2048 ? sectors : 2048;
  bool pattern = true;
  for (u64 sector = 0; sector < end;) {
    u32 count = end - sector < BLOCK_REQUESTS ? (u32)(end - sector) : BLOCK_REQUESTS;
    for (u32 i = 0; i < count; i++) add_request(i, BLOCK_T_IN, sector + i);
    finish_batch(count, BLOCK_S_OK);
    pattern &= matching_sectors(count) == count;
    sector += count;
  }
  return pattern;
}

/* Writes the complement into the last sectors, reads it back, and puts the pattern back. */
static void write_disk(u64 sectors) {
  u64 first = sectors - BLOCK_REQUESTS;
  for (u32 round = 0; round < 2; round++) {
    u64 flip = round == 0 ? ~0ul : 0;
    for (u32 i = 0; i < BLOCK_REQUESTS; i++) {
      for (u64 j = 0; j < SECTOR_WORDS; j++) requests[i].data[j] = pattern_word((first + i) * SECTOR_WORDS + j) ^ flip;
      add_request(i, BLOCK_T_OUT, first + i);
    }
    finish_batch(BLOCK_REQUESTS, BLOCK_S_OK);
    if (block_device.features & VIRTIO_BLK_F_FLUSH) one_request(BLOCK_T_FLUSH, 0, BLOCK_S_OK);
    for (u32 i = 0; i < BLOCK_REQUESTS; i++) {
      memset(requests[i].data, 0, SECTOR_BYTES);
      add_request(i, BLOCK_T_IN, first + i);
    }
    finish_batch(BLOCK_REQUESTS, BLOCK_S_OK);
    for (u32 i = 0; i < BLOCK_REQUESTS; i++)
      for (u64 j = 0; j < SECTOR_WORDS; j++) requests[i].data[j] ^= flip;
    check(matching_sectors(BLOCK_REQUESTS) == BLOCK_REQUESTS, "what was written is read back");
  }
}

void chapter_block(const struct board_slot *slot) {
  if (slot == NULL) {
    print("block: no drive\n");
    return;
  }
  u64 wanted = VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC | VIRTIO_BLK_F_FLUSH;
  check(virtio_start(&block_device, slot->base, slot->irq, wanted), "the drive accepts the features");
  check(virtq_setup(&block_queue, &block_device, 0), "its ring is taken");
  virtio_ready(&block_device);
  interrupt_route(&block_device);
  u64 sectors = virtio_config32(&block_device, 0) | (u64)virtio_config32(&block_device, 4) << 32;
  check(sectors > 0, "the drive has sectors");
  watchdog(WATCHDOG_SECONDS);
  bool pattern = read_disk(sectors);
  if (pattern) print("block: %u sectors read, %u in flight at a time, each as it should be\n", sectors, (u64)BLOCK_REQUESTS);
  else print("block: sectors read; not the pattern disk, so nothing is written\n");
  check(block_device.interrupts > 0, "answers came by interrupt");
  if (pattern && sectors >= BLOCK_REQUESTS) {
    write_disk(sectors);
    print("block: last %u sectors written, read back and restored\n", (u64)BLOCK_REQUESTS);
  }
  one_request(BLOCK_T_IN, sectors, BLOCK_S_IOERR);
  print("block: a read past the end is refused\n");
  watchdog(0);
  if (block_device.features & VIRTIO_F_EVENT_IDX)
    check(block_device.interrupts <= block_queue.taken, "no more interrupts than requests");
}
