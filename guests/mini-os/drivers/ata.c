/*
 * An ATA drive behind a bus master (ATA8-ACS; docs/devices.md, "ATA"): DMA with 28-bit addresses. A transfer is one command, whose
 * region table names the pages of its requests.
 */
#include "driver-list.h"
#include "platform.h"
#include "syscall.h"
#include "trap.h"

#define ATA_DATA 0x00
#define ATA_SECTOR_COUNT 0x08
#define ATA_LBA_LOW 0x0c
#define ATA_LBA_MID 0x10
#define ATA_LBA_HIGH 0x14
#define ATA_DEVICE 0x18
#define ATA_STATUS 0x1c
#define ATA_COMMAND 0x1c
#define ATA_CONTROL 0x40
#define BM_COMMAND 0x80
#define BM_STATUS 0x82
#define BM_TABLE 0x84

#define DEVICE_LBA 0xe0
#define STATUS_BUSY 0x80
#define STATUS_DEVICE_FAULT 0x20
#define STATUS_DATA_REQUEST 0x08
#define STATUS_ERROR 0x01
#define CONTROL_NO_INTERRUPTS 0x02
#define BM_COMMAND_START 0x01
#define BM_COMMAND_TO_MEMORY 0x08
#define BM_STATUS_ERROR 0x02
#define BM_STATUS_INTERRUPT 0x04
#define REGION_LAST 0x8000

#define COMMAND_IDENTIFY 0xec
#define COMMAND_READ_DMA 0xc8
#define COMMAND_WRITE_DMA 0xca

#define IDENTIFY_WORDS 256
#define IDENTIFY_SECTORS 60 /* two words: how many 28-bit addresses reach */

struct region {
  u32 address;
  u16 length_bytes;
  u16 flags;
};

static u64 base;
static u64 sector_count;
static struct region table[BLOCK_REQUESTS_MAX] __attribute__((aligned(64)));
static struct block_request *submitted;
static u32 submitted_count;

static u8 get(u32 offset) { return mmio_read8(base + offset); }
static void put(u32 offset, u64 value) { mmio_write8(base + offset, (u8)value); }

static void interrupt(void) {
  put(BM_COMMAND, 0);
  u8 bus_master = get(BM_STATUS);
  put(BM_STATUS, BM_STATUS_INTERRUPT | BM_STATUS_ERROR);
  u8 status = get(ATA_STATUS);
  bool failed = (bus_master & BM_STATUS_ERROR) != 0 || (status & (STATUS_ERROR | STATUS_DEVICE_FAULT)) != 0;
  for (u32 i = 0; i < submitted_count; i++) {
    submitted[i].failed = failed;
    submitted[i].done = true;
  }
  submitted_count = 0;
  block_completed();
}

/* Without interrupts. False: this is no drive. */
static bool identify(void) {
  put(ATA_CONTROL, CONTROL_NO_INTERRUPTS);
  put(ATA_DEVICE, DEVICE_LBA);
  put(ATA_COMMAND, COMMAND_IDENTIFY);
  u8 status;
  do status = get(ATA_STATUS);
  while (status & STATUS_BUSY);
  if ((status & STATUS_ERROR) || (status & STATUS_DATA_REQUEST) == 0) return false;
  for (u32 word = 0; word < IDENTIFY_WORDS; word++) {
    u64 value = *(volatile u16 *)(base + ATA_DATA);
    if (word == IDENTIFY_SECTORS) sector_count = value;
    if (word == IDENTIFY_SECTORS + 1) sector_count |= value << 16;
  }
  put(ATA_CONTROL, 0);
  return true;
}

static bool start(void) {
  if (board.ata.base == 0) return false;
  base = board.ata.base;
  if (!identify()) return false;
  interrupt_route(board.ata.irq, interrupt);
  return true;
}

static u64 sectors(void) { return sector_count; }

static void submit(struct block_request *requests, u32 count) {
  u64 first = requests[0].sector;
  u32 total = 0;
  for (u32 i = 0; i < count; i++) {
    u16 flags = i + 1 == count ? REGION_LAST : 0;
    table[i] = (struct region){(u32)(u64)requests[i].data, (u16)(requests[i].sector_count * SECTOR_BYTES), flags};
    total += requests[i].sector_count;
  }
  submitted = requests;
  submitted_count = count;
  u8 direction = requests[0].write ? 0 : BM_COMMAND_TO_MEMORY;
  fence_all();
  mmio_write32(base + BM_TABLE, (u32)(u64)table);
  put(BM_COMMAND, direction);
  put(ATA_DEVICE, DEVICE_LBA | first >> 24);
  put(ATA_SECTOR_COUNT, total);
  put(ATA_LBA_LOW, first);
  put(ATA_LBA_MID, first >> 8);
  put(ATA_LBA_HIGH, first >> 16);
  put(ATA_COMMAND, requests[0].write ? COMMAND_WRITE_DMA : COMMAND_READ_DMA);
  put(BM_COMMAND, direction | BM_COMMAND_START);
}

const struct block_driver ata = {
    .driver = {"ata", start},
    .sectors = sectors,
    .submit = submit,
};
