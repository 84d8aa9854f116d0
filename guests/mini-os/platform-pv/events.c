/* Event channels in place of an interrupt controller and a timer: pending ports are bits of the shared page. */
#include "process.h"
#include "pv.h"
#include "trap.h"

#define WORD_BITS 64

/* Arguments of calls, which are read by physical address. */
static struct {
  u32 virq;
  u32 vcpu;
  u32 port;
} bind_virq __attribute__((aligned(8)));
static u32 port_argument __attribute__((aligned(8)));

/* Words of `evtchn_pending` that are still to be looked at. */
static u64 selected;

/* The timer is a port like that of a device. */
void pv_events_start(void) {
  bind_virq.virq = VIRQ_TIMER;
  pv_must(PV_EVENT_CHANNEL_OP, EVTCHNOP_BIND_VIRQ, (u64)&bind_virq, 0);
  interrupt_route(bind_virq.port, timer_interrupt);
}

void pv_unmask(u32 port) {
  port_argument = port;
  pv_must(PV_EVENT_CHANNEL_OP, EVTCHNOP_UNMASK, (u64)&port_argument, 0);
}

void pv_send(u32 port) {
  port_argument = port;
  pv_must(PV_EVENT_CHANNEL_OP, EVTCHNOP_SEND, (u64)&port_argument, 0);
}

static u32 lowest_bit(u64 word) {
  u32 bit = 0;
  while ((word >> bit & 1) == 0) bit++;
  return bit;
}

u32 pv_claim(void) {
  for (;;) {
    if (selected == 0) {
      pv_shared->vcpu[0].evtchn_upcall_pending = 0;
      fence_all(); /* what comes from here on sets it again */
      selected = __atomic_exchange_n(&pv_shared->vcpu[0].evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
      if (selected == 0) return 0;
    }
    u32 word = lowest_bit(selected);
    u64 ready = pv_shared->evtchn_pending[word] & ~pv_shared->evtchn_mask[word];
    if (ready == 0) {
      selected &= selected - 1;
      continue;
    }
    u32 bit = lowest_bit(ready);
    __atomic_fetch_and(&pv_shared->evtchn_pending[word], ~(1ul << bit), __ATOMIC_SEQ_CST);
    return word * WORD_BITS + bit;
  }
}

/* Claiming has cleared the bit: there is nothing to complete. */
void pv_complete(u32 port) { (void)port; }

u64 pv_now(void) { return read_time(); }

void pv_set_deadline(u64 deadline) { pv_must(PV_SET_TIMER_OP, deadline, 0, 0); }
