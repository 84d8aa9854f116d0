/*
 * Event channels in place of the PLIC, where a hypervisor has them (docs/abi.md, mode pvh): the line of each device is bound to a port. An upcall is
 * the supervisor software interrupt, which is taken back in sip; everything else is in the shared page, so that no register is touched.
 */
#include "event-claim.h"
#include "native.h"
#include "trap.h"

#define PORTS_MAX 64
#define SSIP (1ul << IRQ_SOFT_S)

static volatile struct shared_info shared_info __attribute__((aligned(4096)));
static volatile struct shared_info *const shared = &shared_info;
static u32 line_of[PORTS_MAX];
static u64 selected;

/* Arguments of calls, which are read by physical address. */
static struct xen_add_to_physmap placement __attribute__((aligned(8)));
static struct evtchn_bind_pirq binding __attribute__((aligned(8)));

static void must(u64 call, u64 operation, const void *argument) {
  struct sbi_result result = pv_call(call, operation, (u64)argument, 0);
  if (result.error != SBI_SUCCESS) panic("a hypercall failed", call << 32 | (u32)-result.error);
}

static void start(void) {
  placement = (struct xen_add_to_physmap){
      .domid = DOMID_SELF,
      .space = XENMAPSPACE_SHARED_INFO,
      .gpfn = (u64)shared / PAGE_SIZE_BYTES,
  };
  must(PV_MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, &placement);
}

static void unmask(u32 line) {
  binding.pirq = line;
  must(PV_EVENT_CHANNEL_OP, EVTCHNOP_BIND_PIRQ, &binding);
  if (binding.port >= PORTS_MAX) panic("too many ports", binding.port);
  line_of[binding.port] = line;
}

/* Called by entry.S. */
void event_trap(struct trap_frame *frame) {
  if (frame->cause != (CAUSE_INTERRUPT | IRQ_SOFT_S)) {
    native_trap(frame);
    return;
  }
  CSR_CLEAR(sip, SSIP); /* what is sent from here on raises it again */
  for (u32 port; (port = event_claim(&shared, &selected)) != 0;) line_interrupt(line_of[port]);
  if (native_is_user(frame)) trap_leave_to_user();
}

const struct interrupt_ops event_channels = {
    .trap_entry = event_trap_entry,
    .cause = IRQ_SOFT_S,
    .start = start,
    .unmask = unmask,
};
