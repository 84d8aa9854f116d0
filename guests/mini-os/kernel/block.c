/*
 * The disk: one transfer at a time, split into requests of one page that the driver may have under way together. Data passes
 * through the kernel's own pages, so that a device never reaches those of a process.
 */
#include "drivers.h"
#include "process.h"
#include "syscall.h"

#define REQUEST_SECTORS_MAX (PAGE_SIZE_BYTES / SECTOR_BYTES)

static const struct block_driver *driver;
static struct lock in_use;
static struct queue waiting;
static struct block_request requests[BLOCK_REQUESTS_MAX];
static u8 buffer[DISK_SECTORS_MAX * SECTOR_BYTES] __attribute__((aligned(4096)));

void block_start(void) { driver = (const struct block_driver *)driver_start(platform.devices.blocks); }

void block_completed(void) { wake_all(&waiting); }

u64 block_sectors(void) { return driver == NULL ? 0 : driver->sectors(); }

static u32 split(u64 sector, u64 sector_count, bool write) {
  u32 count = 0;
  for (u64 done = 0; done < sector_count; done += REQUEST_SECTORS_MAX) {
    u64 left = sector_count - done;
    requests[count++] = (struct block_request){
        .sector = sector + done,
        .sector_count = (u32)(left < REQUEST_SECTORS_MAX ? left : REQUEST_SECTORS_MAX),
        .write = write,
        .data = &buffer[done * SECTOR_BYTES],
    };
  }
  return count;
}

/* Runs the first `count` requests to their end; false: one of them failed. */
static bool run(u32 count) {
  bool well = true;
  driver->submit(requests, count);
  u64 saved = platform.cpu.irq_save();
  for (u32 i = 0; i < count; i++) {
    while (!requests[i].done) sleep_on(&waiting);
    if (requests[i].failed) well = false;
  }
  platform.cpu.irq_restore(saved);
  return well;
}

i64 block_transfer(u64 sector, u64 user_buffer, u64 sector_count, bool write) {
  u64 sectors = block_sectors();
  if (sectors == 0) return ERROR_NO_DEVICE;
  if (sector_count == 0 || sector_count > DISK_SECTORS_MAX) return ERROR_BAD_ARGUMENT;
  if (sector >= sectors || sector_count > sectors - sector) return ERROR_BAD_ARGUMENT;
  u64 length_bytes = sector_count * SECTOR_BYTES;
  i64 result = 0;
  lock_take(&in_use);
  if (write && !copy_from_user(buffer, user_buffer, length_bytes)) result = ERROR_BAD_ADDRESS;
  else if (!run(split(sector, sector_count, write))) result = ERROR_DEVICE;
  else if (!write && !copy_to_user(user_buffer, buffer, length_bytes)) result = ERROR_BAD_ADDRESS;
  lock_release(&in_use);
  return result;
}
