/* The table of the unmodified platform, and its start and end. */
#include "driver-list.h"
#include "native.h"
#include "sbi.h"

void kernel_main(void);

static const struct driver *const consoles[] = {&virtio_console.driver, &uart16550.driver, NULL};
static const struct driver *const blocks[] = {&virtio_block.driver, &ata.driver, NULL};
static const struct driver *const nets[] = {&virtio_net.driver, &e1000.driver, NULL};

static void __attribute__((noreturn)) native_shutdown(bool success) {
  sbi_call(SBI_EXT_SRST, 0, SBI_SRST_SHUTDOWN, success ? SBI_SRST_NO_REASON : SBI_SRST_SYSTEM_FAILURE, 0, 0);
  for (;;) wait_for_interrupt();
}

static void start_interrupts(void) { interrupt_ops->start(); }

static void unmask(u32 line) { interrupt_ops->unmask(line); }

const struct interrupt_ops *interrupt_ops = &plic;

const struct platform_ops platform = {
    .cpu =
        {
            .irq_enable = native_irq_enable,
            .irq_disable = native_irq_disable,
            .irq_save = native_irq_save,
            .irq_restore = native_irq_restore,
            .idle = native_idle,
        },
    .mmu =
        {
            .start = native_mmu_start,
            .root_create = native_root_create,
            .root_ready = native_root_ready,
            .root_destroy = native_root_destroy,
            .set_table = native_set_table,
            .set_entry = native_set_entry,
            .set_entry_now = native_set_entry_now,
            .lazy_begin = native_lazy_begin,
            .lazy_end = native_lazy_end,
            .activate = native_activate,
            .flush_page = native_flush_page,
            .flush_all = native_flush_all,
        },
    .trap =
        {
            .start = native_trap_start,
            .is_user = native_is_user,
            .make_user = native_make_user,
            .enter_user = native_enter_user,
        },
    .irq = {.start = start_interrupts, .unmask = unmask, .claim = plic_claim, .complete = plic_complete},
    .timer = {.now = native_now, .set_deadline = native_set_deadline},
    .devices = {.consoles = consoles, .blocks = blocks, .nets = nets},
    .shutdown = native_shutdown,
};

/* Called by entry.S. */
void native_start(u64 hart, const void *fdt) {
  if (!board_from_fdt(&board, fdt, hart)) native_shutdown(false);
  if (board.event_channels) interrupt_ops = &event_channels;
  kernel_main();
}
