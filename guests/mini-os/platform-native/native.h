/*
 * The unmodified platform: S-mode with its privileged instructions, the PLIC, and whatever devices the tree offers. Each file
 * serves one group of the table in platform.c; platform.h says what each operation does.
 */
#ifndef MINI_OS_NATIVE_H
#define MINI_OS_NATIVE_H

#include "platform.h"

/* cpu.c */
void native_irq_enable(void);
void native_irq_disable(void);
u64 native_irq_save(void);
void native_irq_restore(u64 saved);
void native_idle(void);

/* mmu.c */
void native_mmu_start(void);
bool native_root_create(u64 *root);
void native_root_ready(u64 *root);
void native_root_destroy(u64 *root);
void native_set_table(u64 *root, u64 *slot, u64 *table);
void native_set_entry(u64 *slot, u64 entry);
void native_set_entry_now(u64 va, u64 *slot, u64 entry);
void native_lazy_begin(void);
void native_lazy_end(void);
void native_activate(const u64 *root);
void native_flush_page(u64 va);
void native_flush_all(void);

/* trap.c and entry.S */
void native_trap_start(void);
bool native_is_user(const struct trap_frame *frame);
void native_make_user(struct trap_frame *frame, u64 pc, u64 stack_pointer);
void native_enter_user(void);

/* plic.c */
void plic_start(void);
void plic_unmask(u32 line);
u32 plic_claim(void);
void plic_complete(u32 line);

/* timer.c */
u64 native_now(void);
void native_set_deadline(u64 deadline);

#endif
