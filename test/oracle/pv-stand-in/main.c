/* Start of day, traps, calls and events. */
#include "stand-in.h"

#include "print.h"

#define UART_BASE 0x10000000ul
#define UART_LSR 5
#define UART_LSR_TEMT 0x40
#define MTIMECMP 0x02004000ul
#define FINISHER 0x00100000ul
#define FINISHER_PASS 0x5555u
#define FINISHER_FAIL 0x13333u
#define TIMER_PORT 5
#define MIP_MTIP (1ul << 7)
#define MSTATUS_MPIE (1ul << 7)
#define MSTATUS_MPP (3ul << 11)

struct guest guest;
struct pv_start_info *start_info;
struct shared_info *shared;

static bool kernel_mode = true;
static u64 event_callback, trap_callback, syscall_callback;

void console_write(const char *text, u64 length_bytes) {
  for (u64 i = 0; i < length_bytes; i++) {
    mmio_write8(UART_BASE, (u8)text[i]);
    while ((mmio_read8(UART_BASE + UART_LSR) & UART_LSR_TEMT) == 0) continue;
  }
}

static void __attribute__((noreturn)) finish(bool success) {
  mmio_write32(FINISHER, success ? FINISHER_PASS : FINISHER_FAIL);
  for (;;) continue;
}

void broken(const char *text, u64 value) {
  print("stand-in: at pc 0x%x does not hold: %s (0x%x)\n", guest.x[0], text, value);
  finish(false);
}

void make_pending(u32 port) {
  u64 bit = 1ul << port % 64;
  if (shared->evtchn_pending[port / 64] & bit) return;
  shared->evtchn_pending[port / 64] |= bit;
  if (shared->evtchn_mask[port / 64] & bit) return;
  shared->vcpu[0].evtchn_pending_sel |= 1ul << port / 64;
  shared->vcpu[0].evtchn_upcall_pending = 1;
}

static void bounce(u64 callback, u64 cause, u64 tval) {
  struct vcpu_trap *record = &shared->trap[0];
  rule(callback != 0, "there is a callback for every cause", cause);
  record->pc = guest.x[0];
  record->sp = guest.x[2];
  record->cause = cause;
  record->tval = tval;
  record->status = (kernel_mode ? PV_STATUS_KERNEL : 0) | (shared->vcpu[0].evtchn_upcall_mask ? PV_STATUS_MASKED : 0);
  shared->vcpu[0].evtchn_upcall_mask = 1;
  if (!kernel_mode) guest.x[2] = record->kernel_sp;
  kernel_mode = true;
  paging_enter(true);
  guest.x[0] = callback;
}

static void iret(void) {
  const struct vcpu_trap *record = &shared->trap[0];
  rule(shared->vcpu[0].evtchn_upcall_mask, "iret comes with events masked", 0);
  guest.x[0] = record->pc;
  guest.x[2] = record->sp;
  guest.x[10] = record->a0;
  guest.x[16] = record->a6;
  guest.x[17] = record->a7;
  kernel_mode = (record->status & PV_STATUS_KERNEL) != 0;
  shared->vcpu[0].evtchn_upcall_mask = (record->status & PV_STATUS_MASKED) != 0;
  paging_enter(kernel_mode);
}

static void timer_expired(void) {
  CSR_CLEAR(mie, MIP_MTIP);
  make_pending(TIMER_PORT);
}

static void sched_op(u64 operation) {
  if (operation == SCHEDOP_YIELD) return;
  rule(operation == SCHEDOP_BLOCK, "sched_op yields or blocks", operation);
  while (!shared->vcpu[0].evtchn_upcall_pending) {
    wait_for_interrupt();
    if (CSR_READ(mip) & CSR_READ(mie) & MIP_MTIP) timer_expired();
  }
}

static void event_channel_op(u64 operation, u32 *argument) {
  switch (operation) {
    case EVTCHNOP_BIND_VIRQ:
      rule(argument[0] == VIRQ_TIMER && argument[1] == 0, "the timer of vCPU 0 is bound", argument[0]);
      argument[2] = TIMER_PORT;
      return;
    case EVTCHNOP_UNMASK:
      shared->evtchn_mask[argument[0] / 64] &= ~(1ul << argument[0] % 64);
      return;
    case EVTCHNOP_SEND:
      device_serve(argument[0]);
      return;
    default:
      broken("event_channel_op binds, unmasks or sends", operation);
  }
}

static void *pointer(u64 address) {
  bool is_in_ram = address >= RAM_BASE && address < RAM_BASE + RAM_BYTES;
  rule(is_in_ram && address % 8 == 0, "pointers are aligned and in RAM", address);
  return (void *)address;
}

/* Answers the value of the call; every call succeeds or ends the run. */
static u64 serve(u64 number, const u64 arguments[6]) {
  u64 a0 = arguments[0], a1 = arguments[1], a2 = arguments[2];
  switch (number) {
    case PV_MMU_UPDATE:
      rule(a1 <= PV_BATCH_MAX, "a batch has at most 2,048 operations", a1);
      mmu_update(pointer(a0), a1);
      return a1;
    case PV_SET_CALLBACKS:
      event_callback = a0;
      trap_callback = a1;
      syscall_callback = a2;
      return 0;
    case PV_MULTICALL: {
      struct multicall_entry *entries = pointer(a0);
      rule(a1 <= PV_MULTICALL_MAX, "a multicall has at most 512 entries", a1);
      for (u64 i = 0; i < a1; i++) entries[i].result = (i64)serve(entries[i].op, entries[i].args);
      return a1;
    }
    case PV_UPDATE_VA_MAPPING:
      update_va_mapping(a0, a1);
      return 0;
    case PV_SET_TIMER_OP:
      *(volatile u64 *)MTIMECMP = a0;
      CSR_SET(mie, MIP_MTIP);
      return 0;
    case PV_CONSOLE_IO:
      rule(a0 == CONSOLEIO_WRITE, "console_io writes", a0);
      console_write(pointer(a2), a1);
      return a1;
    case PV_GRANT_TABLE_OP:
      rule(a0 == GNTTABOP_SETUP_TABLE && a2 == 1, "grant_table_op sets one table up", a0);
      grant_setup(pointer(a1));
      return 0;
    case PV_MMUEXT_OP:
      mmuext_op(pointer(a0), a1, kernel_mode);
      return a1;
    case PV_SCHED_OP:
      sched_op(a0);
      return 0;
    case PV_EVENT_CHANNEL_OP:
      event_channel_op(a0, pointer(a1));
      return 0;
    case PV_DEVICE_OP:
      rule(a0 == DEVICEOP_CONNECT, "device_op connects", a0);
      device_connect(pointer(a1));
      return 0;
    default:
      broken("there is such a call", number);
  }
}

static void environment_call(void) {
  u64 extension = guest.x[17], number = guest.x[16];
  if (!kernel_mode) {
    bounce(syscall_callback, CAUSE_ECALL_U, 0);
  } else if (extension == SBI_EXT_SRST) {
    finish(guest.x[11] == SBI_SRST_NO_REASON);
  } else {
    rule(extension == PV_EXTENSION, "calls are paravirtual", extension);
    if (number == PV_IRET) {
      iret();
      return;
    }
    guest.x[0] += 4;
    u64 value = serve(number, &guest.x[10]);
    guest.x[10] = 0;
    guest.x[11] = value;
  }
}

/* Called by start.S. */
void trap(void) {
  u64 cause = CSR_READ(mcause);
  rule((CSR_READ(mstatus) & MSTATUS_MPP) == 0, "the stand-in does not trap itself", CSR_READ(mepc));
  if (cause & CAUSE_INTERRUPT) timer_expired();
  else if (cause == CAUSE_ECALL_U) environment_call();
  else bounce(trap_callback, cause, CSR_READ(mtval));
  if (shared->vcpu[0].evtchn_upcall_pending && !shared->vcpu[0].evtchn_upcall_mask) bounce(event_callback, 0, 0);
  CSR_CLEAR(mstatus, MSTATUS_MPP);
  CSR_SET(mstatus, MSTATUS_MPIE);
}

/* QEMU's device tree has the boot arguments somewhere. */
static const char *boot_arguments(const char *tree) {
  static const char start[] = "workload=";
  for (u64 at = 0; at < 1 << 16; at++) {
    if (memcmp(tree + at, start, sizeof start - 1) == 0) return tree + at;
  }
  return "";
}

/* Called by start.S. */
void stand_in_main(const char *tree) {
  CSR_WRITE(pmpaddr0, ~0ul >> 10);
  CSR_WRITE(pmpcfg0, 0x1f);
  CSR_WRITE(mcounteren, 7);
  CSR_WRITE(scounteren, 7);
  const char *arguments = boot_arguments(tree);
  paging_start();
  *start_info = (struct pv_start_info){
      .magic = PV_START_MAGIC,
      .version = 1 << 16,
      .vcpu_count = 1,
      .ram_base = RAM_BASE,
      .ram_bytes = RAM_BYTES,
      .usable_end = (u64)start_info,
      .shared_info = (u64)shared,
      .initial_root = start_info->initial_root,
      .timebase_hz = 10000000,
  };
  memcpy(start_info->command_line, arguments, strlen(arguments) + 1);
  devices_start();
  shared->vcpu[0].evtchn_upcall_mask = 1;
  guest = (struct guest){.x = {[0] = GUEST_ENTRY, [11] = (u64)start_info}};
  CSR_CLEAR(mstatus, MSTATUS_MPP);
}
