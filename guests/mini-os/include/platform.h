/*
 * What the kernel asks of the platform below it. There is one table per build: `platform-native/` runs with the privileged
 * instructions of S-mode and may be emulated; `platform-pv/` asks a hypervisor. Nothing else of the kernel knows the difference.
 *
 * Unless it says otherwise, an operation may be called with interrupts masked or not.
 */
#ifndef MINI_OS_PLATFORM_H
#define MINI_OS_PLATFORM_H

#include "base.h"
#include "drivers.h"
#include "fdt.h"

/* Registers of whatever was interrupted, as the platform's entry code stores them at the top of the kernel stack. */
struct trap_frame {
  u64 x[32]; /* by register number; x[0] is not used */
  u64 pc;
  u64 status; /* the platform's own: privilege and interrupt state to return to */
  u64 cause; /* of an exception, as scause numbers them */
  u64 value; /* faulting address */
};

struct cpu_ops {
  void (*irq_enable)(void);
  void (*irq_disable)(void);
  /* Masks interrupts and answers what `irq_restore` takes to put them back as they were. */
  u64 (*irq_save)(void);
  void (*irq_restore)(u64 saved);
  /* Called with interrupts masked: waits until one is pending, takes it, and returns with interrupts masked. */
  void (*idle)(void);
};

/*
 * Page tables have the format of Sv39, and the kernel reads them as they are. Each root has the kernel in it, which is the platform's
 * affair; what else it holds is the kernel's.
 */
struct mmu_ops {
  /* Turns translation on. */
  void (*start)(void);
  /* Makes an empty page the root of a new address space. False: no memory. */
  bool (*root_create)(u64 *root);
  /* The address space is built so far that it may be used. Comes once, before the first `activate`. */
  void (*root_ready)(u64 *root);
  /* The root and every table below it are not used any more: plain pages, which still hold what they held. */
  void (*root_destroy)(u64 *root);
  /* Makes an empty page a table: `slot` of the root, or of a table below it, points to it. */
  void (*set_table)(u64 *root, u64 *slot, u64 *table);
  /* Of a leaf. */
  void (*set_entry)(u64 *slot, u64 entry);
  /* The same in the current address space, with the flush. */
  void (*set_entry_now)(u64 va, u64 *slot, u64 entry);
  /* Between these, entries may be kept back; `lazy_end` writes all of them. Not nested. Flushes come after `lazy_end`. */
  void (*lazy_begin)(void);
  void (*lazy_end)(void);
  /* Makes an address space the current one; NULL: that of the kernel alone. No translation of another one stays behind. */
  void (*activate)(const u64 *root);
  /* In the current address space. */
  void (*flush_page)(u64 va);
  void (*flush_all)(void);
};

struct trap_ops {
  /* From here on, traps reach the kernel (see trap.h). */
  void (*start)(void);
  bool (*is_user)(const struct trap_frame *frame);
  /* Makes a zeroed frame the first one of a process: in user mode with interrupts on. */
  void (*make_user)(struct trap_frame *frame, u64 pc, u64 stack_pointer);
  /* Loads the frame at the top of the current kernel stack. Never returns. */
  void (*enter_user)(void);
};

struct irq_ops {
  void (*start)(void);
  /* Lets interrupts of a line through. */
  void (*unmask)(u32 line);
  /* The next line to serve, which stays masked until it is completed; 0: none. */
  u32 (*claim)(void);
  void (*complete)(u32 line);
};

struct timer_ops {
  u64 (*now)(void); /* ticks of board.timebase_hz */
  /* One `timer_interrupt` once `now` has reached the deadline; replaces the one before. */
  void (*set_deadline)(u64 deadline);
};

/* Drivers in order of preference; the first that finds its device is used. Each list ends with NULL. */
struct device_ops {
  const struct driver *const *consoles; /* of struct console_driver */
  const struct driver *const *blocks; /* of struct block_driver */
  const struct driver *const *nets; /* of struct net_driver */
};

struct platform_ops {
  struct cpu_ops cpu;
  struct mmu_ops mmu;
  struct trap_ops trap;
  struct irq_ops irq;
  struct timer_ops timer;
  struct device_ops devices;
  /* Powers the machine off. Never returns. */
  void (*shutdown)(bool success);
};

extern const struct platform_ops platform;
/* Filled before the platform is used. */
extern struct board board;

#endif
