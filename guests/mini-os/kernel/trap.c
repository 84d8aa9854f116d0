/* What the platform's entry code hands on: system calls, faults, and what nobody can serve. */
#include "trap.h"

#include "print.h"
#include "process.h"

static bool serve_fault(const struct trap_frame *frame) {
  enum access access = frame->cause == CAUSE_STORE_PAGE   ? ACCESS_WRITE
                       : frame->cause == CAUSE_FETCH_PAGE ? ACCESS_EXECUTE
                                                          : ACCESS_READ;
  platform.cpu.irq_enable();
  bool served = space_fault(&current->space, frame->value, access);
  platform.cpu.irq_disable();
  return served;
}

static void serve_call(struct trap_frame *frame) {
  frame->pc += 4;
  platform.cpu.irq_enable();
  frame->x[10] = (u64)system_call(frame->x[17], &frame->x[10]);
  platform.cpu.irq_disable();
}

void trap_exception(struct trap_frame *frame) {
  if (!platform.trap.is_user(frame)) {
    print("kernel trap: cause %u, pc 0x%x, value 0x%x\n", frame->cause, frame->pc, frame->value);
    panic("the kernel trapped", frame->cause);
  }
  if (frame->cause == CAUSE_ECALL_U) {
    serve_call(frame);
    return;
  }
  bool is_page_fault =
      frame->cause == CAUSE_FETCH_PAGE || frame->cause == CAUSE_LOAD_PAGE || frame->cause == CAUSE_STORE_PAGE;
  if (is_page_fault && serve_fault(frame)) return;
  print("process %u killed: cause %u, pc 0x%x, value 0x%x\n", current->id, frame->cause, frame->pc, frame->value);
  process_exit(EXIT_KILLED);
}

void trap_leave_to_user(void) {
  if (turn_is_over()) yield();
}
