/*
 * The paravirtual platform (docs/abi.md): a kernel without privilege, which shares pages with the hypervisor and asks it for the rest.
 * Each file serves one group of the table in platform.c; platform.h says what each operation does.
 */
#ifndef MINI_OS_PV_H
#define MINI_OS_PV_H

#include "paravirt.h"
#include "platform.h"

extern const struct pv_start_info *pv_start_info;
extern volatile struct shared_info *pv_shared;
extern volatile struct vcpu_trap *pv_record; /* read by entry.S */

/* platform.c: panics unless the call succeeds; answers its value. */
i64 pv_must(u64 call, u64 arg0, u64 arg1, u64 arg2);

/* cpu.c */
void pv_irq_enable(void);
void pv_irq_disable(void);
u64 pv_irq_save(void);
void pv_irq_restore(u64 saved);
void pv_idle(void);

/* mmu.c */
void pv_mmu_start(void);
bool pv_root_create(u64 *root);
void pv_root_ready(u64 *root);
void pv_root_destroy(u64 *root);
void pv_set_table(u64 *root, u64 *slot, u64 *table);
void pv_set_entry(u64 *slot, u64 entry);
void pv_set_entry_now(u64 va, u64 *slot, u64 entry);
void pv_lazy_begin(void);
void pv_lazy_end(void);
void pv_activate(const u64 *root);
void pv_flush_page(u64 va);
void pv_flush_all(void);

/* trap.c and entry.S */
void pv_trap_start(void);
bool pv_is_user(const struct trap_frame *frame);
void pv_make_user(struct trap_frame *frame, u64 pc, u64 stack_pointer);
void pv_enter_user(void);

/* events.c: lines are ports of event channels. */
void pv_events_start(void);
void pv_unmask(u32 port);
u32 pv_claim(void);
void pv_complete(u32 port);
void pv_send(u32 port);
u64 pv_now(void);
void pv_set_deadline(u64 deadline);

/* grants.c */
/* A grant of a page to the back ends; and a change of it, while it is not used. */
u32 grant_page(const volatile void *page, bool readonly);
void grant_change(u32 reference, const volatile void *page, bool readonly);
/* Connects a ring device that the start-info page lists; answers its port, 0: there is none. */
u32 device_connect(u32 type, u32 ring_reference, u32 receive_ring_reference);
/* NULL: there is none. */
const struct pv_device *device_find(u32 type);

/* pv-console.c, pv-block.c, pv-net.c */
extern const struct console_driver pv_console;
extern const struct block_driver pv_block;
extern const struct net_driver pv_net;

#endif
