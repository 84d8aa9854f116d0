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
void native_trap_entry(void);
void native_trap(struct trap_frame *frame);
void native_trap_start(void);
bool native_is_user(const struct trap_frame *frame);
void native_make_user(struct trap_frame *frame, u64 pc, u64 stack_pointer);
void native_enter_user(void);

/*
 * Where interrupts of devices come from: chosen once, by what the device tree offers. Lines are those of the PLIC, whoever brings them.
 */
struct interrupt_ops {
  void (*trap_entry)(void);
  u64 cause; /* of interrupts of devices */
  void (*start)(void);
  void (*unmask)(u32 line);
};

extern const struct interrupt_ops *interrupt_ops;
extern const struct interrupt_ops plic;
extern const struct interrupt_ops event_channels;

/* plic.c */
u32 plic_claim(void);
void plic_complete(u32 line);

/* events.c and entry.S */
void event_trap_entry(void);

/* timer.c */
u64 native_now(void);
void native_set_deadline(u64 deadline);

#endif
