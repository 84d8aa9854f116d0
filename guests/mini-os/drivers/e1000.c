/*
 * An Intel 82540EM network controller at a fixed address (docs/devices.md, "e1000"), with legacy descriptors. As in Linux's driver, an
 * interrupt is answered by masking, and what it is for is let in again when the rings have been looked through.
 */
#include "driver-list.h"
#include "platform.h"
#include "syscall.h"
#include "trap.h"

#define REG_CTRL 0x0000
#define REG_STATUS 0x0008
#define REG_ICR 0x00c0
#define REG_IMS 0x00d0
#define REG_IMC 0x00d8
#define REG_RCTL 0x0100
#define REG_TCTL 0x0400
#define REG_RECEIVE_RING 0x2800
#define REG_TRANSMIT_RING 0x3800
#define RING_ADDRESS_LOW 0x00
#define RING_ADDRESS_HIGH 0x04
#define RING_LENGTH 0x08
#define RING_HEAD 0x10
#define RING_TAIL 0x18
#define REG_ADDRESS_LOW 0x5400
#define REG_ADDRESS_HIGH 0x5404

#define CTRL_LINK_UP (1u << 6)
#define CTRL_RESET (1u << 26)
#define RCTL_ENABLE (1u << 1)
#define RCTL_BROADCAST (1u << 15)
#define RCTL_STRIP_FCS (1u << 26)
#define TCTL_ENABLE (1u << 1)
#define TCTL_PAD_SHORT (1u << 3)
#define CAUSE_TRANSMITTED (1u << 0) /* TXDW */
#define CAUSE_RECEIVED (1u << 7) /* RXT0 */
#define CAUSE_ALL 0xffffffffu

#define COMMAND_END_OF_PACKET 0x01
#define COMMAND_INSERT_FCS 0x02
#define COMMAND_REPORT_STATUS 0x08
#define DESCRIPTOR_DONE 0x01

#define RING_SIZE 16u
#define BUFFER_BYTES 2048 /* RCTL.BSIZE 0 */
#define REFILL_BATCH 8

struct receive_descriptor {
  u64 address;
  u16 length;
  u16 checksum;
  u8 status;
  u8 errors;
  u16 special;
};

struct transmit_descriptor {
  u64 address;
  u16 length;
  u8 checksum_offset;
  u8 command;
  u8 status;
  u8 checksum_start;
  u16 special;
};

static volatile struct receive_descriptor receive_ring[RING_SIZE] __attribute__((aligned(128)));
static volatile struct transmit_descriptor transmit_ring[RING_SIZE] __attribute__((aligned(128)));
static u8 received[RING_SIZE][BUFFER_BYTES] __attribute__((aligned(8)));
static u8 transmitted[RING_SIZE][BUFFER_BYTES] __attribute__((aligned(8)));
static u8 mac[6];
/* Counted on, modulo the ring's size where they index it. */
static u32 receive_next;
static u32 receive_returned; /* buffers that the controller has been given back */
static u32 transmit_next;
static u32 transmit_done;

static u32 get(u32 offset) { return mmio_read32(board.e1000.base + offset); }
static void put(u32 offset, u32 value) { mmio_write32(board.e1000.base + offset, value); }

/* Changes of the mask count once a read has followed. */
static void unmask(u32 causes) {
  put(REG_IMS, causes);
  get(REG_STATUS);
}

static void interrupt(void) {
  if (get(REG_ICR) == 0) return;
  put(REG_IMC, CAUSE_ALL);
  get(REG_STATUS);
  net_completed();
}

static void set_ring(u32 registers, const volatile void *ring, u32 length_bytes) {
  put(registers + RING_ADDRESS_LOW, (u32)(u64)ring);
  put(registers + RING_ADDRESS_HIGH, (u32)((u64)ring >> 32));
  put(registers + RING_LENGTH, length_bytes);
  put(registers + RING_HEAD, 0);
  put(registers + RING_TAIL, 0);
}

static void read_address(void) {
  u32 low = get(REG_ADDRESS_LOW);
  u32 high = get(REG_ADDRESS_HIGH);
  for (u32 i = 0; i < 4; i++) mac[i] = (u8)(low >> 8 * i);
  for (u32 i = 0; i < 2; i++) mac[4 + i] = (u8)(high >> 8 * i);
}

static bool start(void) {
  if (board.e1000.base == 0) return false;
  put(REG_CTRL, CTRL_RESET);
  put(REG_IMC, CAUSE_ALL);
  read_address();
  put(REG_CTRL, CTRL_LINK_UP);
  set_ring(REG_RECEIVE_RING, receive_ring, sizeof receive_ring);
  set_ring(REG_TRANSMIT_RING, transmit_ring, sizeof transmit_ring);
  for (u32 i = 0; i < RING_SIZE; i++) {
    receive_ring[i].address = (u64)received[i];
    transmit_ring[i].address = (u64)transmitted[i];
  }
  put(REG_RCTL, RCTL_ENABLE | RCTL_BROADCAST | RCTL_STRIP_FCS);
  receive_returned = RING_SIZE - 1; /* a full ring would look empty */
  put(REG_RECEIVE_RING + RING_TAIL, receive_returned);
  put(REG_TCTL, TCTL_ENABLE | TCTL_PAD_SHORT);
  get(REG_ICR);
  interrupt_route(board.e1000.irq, interrupt);
  unmask(CAUSE_RECEIVED);
  return true;
}

static const u8 *address(void) { return mac; }

static bool has_room(void) {
  while (transmit_done != transmit_next && (transmit_ring[transmit_done % RING_SIZE].status & DESCRIPTOR_DONE)) {
    transmit_done++;
  }
  return transmit_next - transmit_done < RING_SIZE - 1;
}

static bool transmit(const void *frame, u32 length_bytes) {
  if (!has_room()) {
    unmask(CAUSE_TRANSMITTED | CAUSE_RECEIVED);
    /* What was sent before the cause was let in may have been reported to nobody. */
    if (!has_room()) return false;
  }
  u32 index = transmit_next++ % RING_SIZE;
  memcpy(transmitted[index], frame, length_bytes);
  transmit_ring[index].length = (u16)length_bytes;
  transmit_ring[index].command = COMMAND_END_OF_PACKET | COMMAND_INSERT_FCS | COMMAND_REPORT_STATUS;
  transmit_ring[index].status = 0;
  fence_all();
  put(REG_TRANSMIT_RING + RING_TAIL, transmit_next % RING_SIZE);
  return true;
}

static bool has_frame(void) { return (receive_ring[receive_next % RING_SIZE].status & DESCRIPTOR_DONE) != 0; }

static u32 receive(void *frame, u32 room_bytes) {
  if (!has_frame()) {
    unmask(CAUSE_RECEIVED);
    if (!has_frame()) return 0;
  }
  u32 index = receive_next++ % RING_SIZE;
  fence_all(); /* the status before the frame */
  u32 length = receive_ring[index].length;
  memcpy(frame, received[index], length < room_bytes ? length : room_bytes);
  receive_ring[index].status = 0;
  if (receive_next + RING_SIZE - 1 - receive_returned >= REFILL_BATCH) {
    receive_returned = receive_next + RING_SIZE - 1;
    fence_all();
    put(REG_RECEIVE_RING + RING_TAIL, receive_returned % RING_SIZE);
  }
  return length;
}

const struct net_driver e1000 = {
    .driver = {"e1000", start},
    .address = address,
    .transmit = transmit,
    .receive = receive,
};
