/* What back ends may reach: one page of grants, each of them for as long as the guest runs. And how devices are connected. */
#include "pv.h"
#include "trap.h"

#define FIRST_REFERENCE 8 /* those below are Xen's own */
#define REFERENCES (PAGE_SIZE_BYTES / sizeof(struct grant_entry))

static volatile struct grant_entry grants[REFERENCES] __attribute__((aligned(4096)));
static u32 next_reference;

/* Arguments of calls, which are read by physical address. */
static u64 grant_frames[1];
static struct gnttab_setup_table setup __attribute__((aligned(8)));
static struct device_connect connection __attribute__((aligned(8)));

static void set_up(void) {
  grant_frames[0] = (u64)grants;
  setup = (struct gnttab_setup_table){.frames = 1, .addresses = (u64)grant_frames};
  pv_must(PV_GRANT_TABLE_OP, GNTTABOP_SETUP_TABLE, (u64)&setup, 1);
  if (setup.status != 0) panic("no grant table", (u32)-setup.status);
  next_reference = FIRST_REFERENCE;
}

void grant_change(u32 reference, const volatile void *page, bool readonly) {
  volatile struct grant_entry *grant = &grants[reference];
  grant->flags = 0;
  fence_all();
  grant->domid = DOMID_BACK_ENDS;
  grant->frame = (u32)((u64)page / PAGE_SIZE_BYTES);
  fence_all(); /* flags last: they make it valid */
  grant->flags = GTF_PERMIT_ACCESS | (readonly ? GTF_READONLY : 0);
}

u32 grant_page(const volatile void *page, bool readonly) {
  if (next_reference == 0) set_up();
  if (next_reference == REFERENCES) panic("no grant is left", REFERENCES);
  grant_change(next_reference, page, readonly);
  return next_reference++;
}

const struct pv_device *device_find(u32 type) {
  for (u32 i = 0; i < pv_start_info->device_count; i++) {
    if (pv_start_info->devices[i].type == type) return &pv_start_info->devices[i];
  }
  return NULL;
}

u32 device_connect(u32 type, u32 ring_reference, u32 receive_ring_reference) {
  const struct pv_device *device = device_find(type);
  if (device == NULL) return 0;
  connection = (struct device_connect){
      .type = type,
      .index = device->index,
      .ring_ref = ring_reference,
      .rx_ring_ref = receive_ring_reference,
  };
  pv_must(PV_DEVICE_OP, DEVICEOP_CONNECT, (u64)&connection, 0);
  return connection.port;
}
