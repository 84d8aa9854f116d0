/* Interrupts as a whole: sstatus.SIE. */
#include "native.h"

void native_irq_enable(void) { CSR_SET(sstatus, SSTATUS_SIE); }

void native_irq_disable(void) { CSR_CLEAR(sstatus, SSTATUS_SIE); }

u64 native_irq_save(void) {
  u64 before;
  __asm__ volatile("csrrc %0, sstatus, %1" : "=r"(before) : "r"(SSTATUS_SIE) : "memory");
  return before & SSTATUS_SIE;
}

void native_irq_restore(u64 saved) { CSR_SET(sstatus, saved); }

void native_idle(void) {
  /* wfi ends when an interrupt is pending, masked or not: none can slip in between looking for work and waiting. */
  wait_for_interrupt();
  native_irq_enable();
  native_irq_disable();
}
