/* The table of the paravirtual platform, and its start and end. */
#include "pv.h"

#include "trap.h"

void kernel_main(void);

const struct pv_start_info *pv_start_info;
volatile struct shared_info *pv_shared;
volatile struct vcpu_trap *pv_record;

static const struct driver *const consoles[] = {&pv_console.driver, NULL};
static const struct driver *const blocks[] = {&pv_block.driver, NULL};
static const struct driver *const nets[] = {&pv_net.driver, NULL};

i64 pv_must(u64 call, u64 arg0, u64 arg1, u64 arg2) {
  struct sbi_result result = pv_call(call, arg0, arg1, arg2);
  if (result.error != SBI_SUCCESS) panic("a hypercall failed", call << 32 | (u32)-result.error);
  return result.value;
}

static void pv_shutdown(bool success) {
  sbi_call(SBI_EXT_SRST, 0, SBI_SRST_SHUTDOWN, success ? SBI_SRST_NO_REASON : SBI_SRST_SYSTEM_FAILURE, 0, 0);
}

const struct platform_ops platform = {
    .cpu =
        {
            .irq_enable = pv_irq_enable,
            .irq_disable = pv_irq_disable,
            .irq_save = pv_irq_save,
            .irq_restore = pv_irq_restore,
            .idle = pv_idle,
        },
    .mmu =
        {
            .start = pv_mmu_start,
            .root_create = pv_root_create,
            .root_ready = pv_root_ready,
            .root_destroy = pv_root_destroy,
            .set_table = pv_set_table,
            .set_entry = pv_set_entry,
            .set_entry_now = pv_set_entry_now,
            .lazy_begin = pv_lazy_begin,
            .lazy_end = pv_lazy_end,
            .activate = pv_activate,
            .flush_page = pv_flush_page,
            .flush_all = pv_flush_all,
        },
    .trap =
        {
            .start = pv_trap_start,
            .is_user = pv_is_user,
            .make_user = pv_make_user,
            .enter_user = pv_enter_user,
        },
    .irq = {.start = pv_events_start, .unmask = pv_unmask, .claim = pv_claim, .complete = pv_complete},
    .timer = {.now = pv_now, .set_deadline = pv_set_deadline},
    .devices = {.consoles = consoles, .blocks = blocks, .nets = nets},
    .shutdown = pv_shutdown,
};

/* Called by entry.S. What the hypervisor keeps at the end of RAM is not ours. */
void pv_start(const struct pv_start_info *start_info) {
  if (start_info->magic != PV_START_MAGIC) pv_shutdown(false);
  pv_start_info = start_info;
  pv_shared = (volatile struct shared_info *)start_info->shared_info;
  pv_record = &pv_shared->trap[0];
  board = (struct board){
      .ram_base = start_info->ram_base,
      .ram_size_bytes = start_info->usable_end - start_info->ram_base,
      .timebase_hz = start_info->timebase_hz,
      .bootargs = start_info->command_line,
  };
  kernel_main();
}
