/*
 * Every driver. Which of them a platform uses, and in which order it looks for them, is its choice.
 */
#ifndef MINI_OS_DRIVER_LIST_H
#define MINI_OS_DRIVER_LIST_H

#include "drivers.h"

extern const struct console_driver uart16550;
extern const struct console_driver virtio_console;
extern const struct block_driver ata;
extern const struct block_driver virtio_block;
extern const struct net_driver e1000;
extern const struct net_driver virtio_net;

/* virtio-slot.c: finds the first virtio-mmio slot with this device, and negotiates; false: there is none. */
struct virtio_device;
bool virtio_find(struct virtio_device *device, u32 device_id, u64 features);

#endif
