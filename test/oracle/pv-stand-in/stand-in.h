/*
 * A stand-in for the hypervisor: docs/abi.md once more, in C for M-mode under QEMU. It is what a paravirtual kernel is tested with by itself,
 * without the hypervisor that it was written for. It serves one guest that keeps the rules and ends the run at the first breach, and
 * has one vCPU, one disk and one network.
 */
#ifndef PV_STAND_IN_H
#define PV_STAND_IN_H

#include "paravirt.h"

#define RAM_BASE 0x80000000ul
#define RAM_BYTES (128ul << 20)
#define GUEST_ENTRY 0x80200000ul

/* Registers of the guest; x[0] is its pc. */
struct guest {
  u64 x[32];
};

extern struct guest guest;
extern struct pv_start_info *start_info;
extern struct shared_info *shared;

/* Ends the run as failed if `condition` does not hold. The text says what should have. */
#define rule(condition, text, value)                 \
  do {                                               \
    if (!(condition)) broken(text, (u64)(value)); \
  } while (0)
void broken(const char *text, u64 value) __attribute__((noreturn));

/* main.c */
void make_pending(u32 port);

/* paging.c: the last frames of RAM hold start-info page, shared-info page and tables. */
void paging_start(void);
/* Loads the root for kernel or user mode. */
void paging_enter(bool kernel_mode);
void mmu_update(const struct mmu_update *requests, u64 count);
void mmuext_op(const struct mmuext_op *operations, u64 count, bool kernel_mode);
void update_va_mapping(u64 va, u64 entry);

/* devices.c */
void devices_start(void);
void device_connect(struct device_connect *connection);
void grant_setup(struct gnttab_setup_table *setup);
/* The guest has notified a port. */
void device_serve(u32 port);

#endif
