/* Events as a whole: a byte in the shared page. Masking is a store, and no call. */
#include "pv.h"

void pv_irq_disable(void) { pv_shared->vcpu[0].evtchn_upcall_mask = 1; }

void pv_irq_enable(void) {
  pv_shared->vcpu[0].evtchn_upcall_mask = 0;
  /* What came while events were masked is made up for on the way back from any call. */
  if (pv_shared->vcpu[0].evtchn_upcall_pending) pv_must(PV_SCHED_OP, SCHEDOP_YIELD, 0, 0);
}

u64 pv_irq_save(void) {
  u64 was_enabled = pv_shared->vcpu[0].evtchn_upcall_mask == 0;
  pv_irq_disable();
  return was_enabled;
}

void pv_irq_restore(u64 saved) {
  if (saved) pv_irq_enable();
}

void pv_idle(void) {
  /* Ends when an event is pending, masked or not. */
  pv_must(PV_SCHED_OP, SCHEDOP_BLOCK, 0, 0);
  pv_irq_enable();
  pv_irq_disable();
}
