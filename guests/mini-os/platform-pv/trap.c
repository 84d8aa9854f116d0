/* Callbacks: what entry.S saved goes to the kernel. */
#include "trap.h"

#include "pv.h"

void pv_event_entry(void);
void pv_trap_entry(void);

void pv_trap_start(void) {
  pv_must(PV_SET_CALLBACKS, (u64)pv_event_entry, (u64)pv_trap_entry, (u64)pv_trap_entry);
}

bool pv_is_user(const struct trap_frame *frame) { return (frame->status & PV_STATUS_KERNEL) == 0; }

void pv_make_user(struct trap_frame *frame, u64 pc, u64 stack_pointer) {
  frame->pc = pc;
  frame->x[2] = stack_pointer;
  frame->status = 0;
}

/* Called by entry.S. */
void pv_event(struct trap_frame *frame) {
  device_interrupt();
  if (pv_is_user(frame)) trap_leave_to_user();
}

/* Called by entry.S, for system calls too. */
void pv_trap(struct trap_frame *frame) {
  trap_exception(frame);
  if (pv_is_user(frame)) trap_leave_to_user();
}
