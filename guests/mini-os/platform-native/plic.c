/* The interrupt controller (RISC-V PLIC 1.0.0), as the context of the boot hart in S-mode. */
#include "native.h"

#define PLIC_PRIORITY 0x0
#define PLIC_ENABLE 0x2000
#define PLIC_ENABLE_STRIDE 0x80
#define PLIC_THRESHOLD 0x200000
#define PLIC_CLAIM 0x200004
#define PLIC_CONTEXT_STRIDE 0x1000

static u64 context_register(u64 offset) {
  return board.plic_base + offset + PLIC_CONTEXT_STRIDE * (u64)board.plic_context;
}

static void start(void) { mmio_write32(context_register(PLIC_THRESHOLD), 0); }

static void unmask(u32 line) {
  u64 enable = board.plic_base + PLIC_ENABLE + PLIC_ENABLE_STRIDE * (u64)board.plic_context + line / 32 * 4;
  mmio_write32(board.plic_base + PLIC_PRIORITY + 4ul * line, 1);
  mmio_write32(enable, mmio_read32(enable) | 1u << line % 32);
}

u32 plic_claim(void) { return mmio_read32(context_register(PLIC_CLAIM)); }

void plic_complete(u32 line) { mmio_write32(context_register(PLIC_CLAIM), line); }

const struct interrupt_ops plic = {
    .trap_entry = native_trap_entry,
    .cause = IRQ_EXTERNAL_S,
    .start = start,
    .unmask = unmask,
};
