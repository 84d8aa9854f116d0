/* Workloads on devices: console, disk and network. */
#include "user.h"

#define WORD_BYTES sizeof(u64)
#define SECTOR_WORDS (SECTOR_BYTES / WORD_BYTES)
#define SMALL_SECTORS 1

static u64 disk_buffer[DISK_SECTORS_MAX * SECTOR_WORDS];

u32 workload_console(u64 iterations) {
  u32 checksum = CHECKSUM_START;
  for (u64 i = 0; i < iterations; i++) {
    print("console: line %u of %u, and the same characters wherever it is printed\n", i + 1, iterations);
    checksum = checksum_add(checksum, i);
  }
  return checksum;
}

static u64 disk_sectors(void) {
  i64 sectors = system_call(SYS_DISK_SECTORS, 0, 0, 0);
  require(sectors >= DISK_SECTORS_MAX, "there is a disk of at least 32 KiB");
  return (u64)sectors;
}

/* Every fourth transfer is a large one. */
static u64 transfer_sectors(u64 iteration) { return iteration % 4 == 3 ? DISK_SECTORS_MAX : SMALL_SECTORS; }

static u64 transfer_start(u64 iteration, u64 sectors) {
  return scramble(iteration) % (sectors - transfer_sectors(iteration) + 1);
}

static u32 read_sectors(u32 checksum, u64 sector, u64 count) {
  require(system_call(SYS_DISK_READ, sector, (u64)disk_buffer, count) == 0, "the disk reads");
  return checksum_words(checksum, disk_buffer, count * SECTOR_WORDS);
}

u32 workload_disk_read(u64 iterations) {
  u64 sectors = disk_sectors();
  u32 checksum = CHECKSUM_START;
  for (u64 i = 0; i < iterations; i++) {
    checksum = read_sectors(checksum, transfer_start(i, sectors), transfer_sectors(i));
  }
  return checksum;
}

/* Writes, then reads back what is there in the end. */
u32 workload_disk_write(u64 iterations) {
  u64 sectors = disk_sectors();
  for (u64 i = 0; i < iterations; i++) {
    u64 count = transfer_sectors(i);
    for (u64 word = 0; word < count * SECTOR_WORDS; word++) disk_buffer[word] = i << 32 | word;
    i64 result = system_call(SYS_DISK_WRITE, transfer_start(i, sectors), (u64)disk_buffer, count);
    require(result == 0, "the disk writes");
  }
  u32 checksum = CHECKSUM_START;
  for (u64 i = 0; i < iterations; i++) {
    checksum = read_sectors(checksum, transfer_start(i, sectors), transfer_sectors(i));
  }
  return checksum;
}
