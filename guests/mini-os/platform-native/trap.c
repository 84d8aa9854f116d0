/* Traps: what entry.S saved goes to the kernel by cause. */
#include "trap.h"

#include "native.h"
#include "process.h"

void native_trap_start(void) {
  CSR_WRITE(sscratch, 0);
  CSR_WRITE(stvec, interrupt_ops->trap_entry);
  CSR_WRITE(sie, 1ul << IRQ_TIMER_S | 1ul << interrupt_ops->cause);
}

bool native_is_user(const struct trap_frame *frame) { return (frame->status & SSTATUS_SPP) == 0; }

void native_make_user(struct trap_frame *frame, u64 pc, u64 stack_pointer) {
  frame->pc = pc;
  frame->x[2] = stack_pointer;
  frame->status = (CSR_READ(sstatus) & ~(SSTATUS_SPP | SSTATUS_SIE)) | SSTATUS_SPIE;
}

/* Called by entry.S. */
void native_trap(struct trap_frame *frame) {
  switch (frame->cause) {
    case CAUSE_INTERRUPT | IRQ_TIMER_S:
      timer_interrupt();
      break;
    case CAUSE_INTERRUPT | IRQ_EXTERNAL_S:
      device_interrupt();
      break;
    default:
      trap_exception(frame);
  }
  if (native_is_user(frame)) trap_leave_to_user();
}
