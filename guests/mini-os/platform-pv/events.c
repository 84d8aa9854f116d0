/* Event channels in place of an interrupt controller and a timer: pending ports are bits of the shared page. */
#include "event-claim.h"
#include "process.h"
#include "pv.h"
#include "trap.h"

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

u32 pv_claim(void) { return event_claim(&pv_shared, &selected); }

/* Claiming has cleared the bit: there is nothing to complete. */
void pv_complete(u32 port) { (void)port; }

u64 pv_now(void) { return read_time(); }

void pv_set_deadline(u64 deadline) { pv_must(PV_SET_TIMER_OP, deadline, 0, 0); }
