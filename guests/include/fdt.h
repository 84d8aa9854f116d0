/*
 * The few facts that a guest needs from a flattened device tree (Devicetree Specification 0.4, chapter 5).
 */
#ifndef GUEST_FDT_H
#define GUEST_FDT_H

#include "base.h"

#define BOARD_VIRTIO_MAX 16
#define BOARD_HARTS_MAX 8

struct board_slot {
  u64 base;
  u32 irq;
};

struct board {
  u64 ram_base;
  u64 ram_size_bytes;
  u64 timebase_hz;
  u64 uart_base; /* 0: none */
  u64 plic_base; /* 0: none */
  u32 plic_context; /* of the boot hart in S-mode */
  u32 hart_count;
  u64 hart_ids[BOARD_HARTS_MAX];
  u32 virtio_count;
  struct board_slot virtio[BOARD_VIRTIO_MAX]; /* by ascending address */
  struct board_slot ata; /* the first channel; base 0: none */
  struct board_slot e1000; /* base 0: none */
  const char *bootargs; /* never NULL */
  bool event_channels; /* the hypervisor has them for whoever asks (docs/abi.md) */
  bool sstc; /* every hart names Sstc in its ISA string */
};

/*
 * Fills `board` from the tree at `fdt`. Reads at most the length that the header claims, which may not pass 1 MiB.
 * False: the tree is malformed, or lacks RAM, timebase or the boot hart.
 */
bool board_from_fdt(struct board *board, const void *fdt, u64 boot_hart);

#endif
