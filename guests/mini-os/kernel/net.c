/* Ethernet frames between processes and the network driver, one sender and one receiver at a time. */
#include "drivers.h"
#include "process.h"
#include "syscall.h"

#define FRAME_BYTES_MIN 14 /* two addresses and a type */

static const struct net_driver *driver;
static struct queue waiting;
static struct lock sending;
static struct lock receiving;
static u64 outgoing[(FRAME_BYTES_MAX + 7) / 8];
static u64 incoming[(FRAME_BYTES_MAX + 7) / 8];

void net_start(void) { driver = (const struct net_driver *)driver_start(platform.devices.nets); }

void net_completed(void) { wake_all(&waiting); }

i64 net_address(u64 user_buffer) {
  if (driver == NULL) return ERROR_NO_DEVICE;
  return copy_to_user(user_buffer, driver->address(), 6) ? 0 : ERROR_BAD_ADDRESS;
}

i64 net_send(u64 user_frame, u64 length_bytes) {
  if (driver == NULL) return ERROR_NO_DEVICE;
  if (length_bytes < FRAME_BYTES_MIN || length_bytes > FRAME_BYTES_MAX) return ERROR_BAD_ARGUMENT;
  lock_take(&sending);
  bool copied = copy_from_user(outgoing, user_frame, length_bytes);
  if (copied) {
    u64 saved = platform.cpu.irq_save();
    while (!driver->transmit(outgoing, (u32)length_bytes)) sleep_on(&waiting);
    platform.cpu.irq_restore(saved);
  }
  lock_release(&sending);
  return copied ? 0 : ERROR_BAD_ADDRESS;
}

i64 net_receive(u64 user_frame, u64 room_bytes) {
  if (driver == NULL) return ERROR_NO_DEVICE;
  u32 room = room_bytes < FRAME_BYTES_MAX ? (u32)room_bytes : FRAME_BYTES_MAX;
  u32 length;
  lock_take(&receiving);
  u64 saved = platform.cpu.irq_save();
  while ((length = driver->receive(incoming, room)) == 0) sleep_on(&waiting);
  platform.cpu.irq_restore(saved);
  bool copied = copy_to_user(user_frame, incoming, length < room ? length : room);
  lock_release(&receiving);
  return copied ? (i64)length : ERROR_BAD_ADDRESS;
}
