/*
 * What a driver offers. One device of each kind is used: the first that is found (see platform.h, `device_ops`).
 */
#ifndef MINI_OS_DRIVERS_H
#define MINI_OS_DRIVERS_H

#include "base.h"

struct driver {
  const char *name;
  bool (*start)(void); /* false: no such device */
};

struct console_driver {
  struct driver driver; /* first, so that one can be had from the other */
  void (*write)(const char *text, u64 length_bytes);
  /* Waits until all of it has left. */
  void (*flush)(void);
};

/* Part of a disk to be read or written: whole sectors into or from one page. */
struct block_request {
  u64 sector;
  u32 sector_count;
  bool write;
  u8 *data;
  volatile bool done;
  volatile bool failed;
};

struct block_driver {
  struct driver driver;
  u64 (*sectors)(void);
  /*
   * Begins `count` requests, at most BLOCK_REQUESTS_MAX, which are one transfer: each goes on where the one before ends. None is
   * under way. An interrupt marks them done, after which the driver calls `block_completed`.
   */
  void (*submit)(struct block_request *requests, u32 count);
};

struct net_driver {
  struct driver driver;
  const u8 *(*address)(void); /* 6 bytes */
  /* Called with interrupts masked. `transmit` copies the frame; false: no room until the next `net_completed`. */
  bool (*transmit)(const void *frame, u32 length_bytes);
  /* Takes the oldest frame received, copied up to `room_bytes`; answers its length, 0: there is none. */
  u32 (*receive)(void *frame, u32 room_bytes);
};

#define BLOCK_REQUESTS_MAX 8

/* Called by drivers from their interrupts. */
void block_completed(void);
void net_completed(void);

/* drivers.c: starts a driver of a list (see platform.h); NULL: none finds its device. */
const struct driver *driver_start(const struct driver *const *list);

/* block.c, net.c, console.c: what system calls use. */
void console_start(void);
void console_flush(void);
void block_start(void);
void net_start(void);
u64 block_sectors(void);
i64 block_transfer(u64 sector, u64 user_buffer, u64 sector_count, bool write);
i64 net_address(u64 user_buffer);
i64 net_send(u64 user_frame, u64 length_bytes);
i64 net_receive(u64 user_frame, u64 room_bytes);

#endif
