/*
 * Traps in S-mode: exceptions that a chapter asked for, interrupts of the timer, other harts and devices (through the PLIC).
 */
#include "tour.h"

#define ROUTES_MAX BOARD_VIRTIO_MAX

volatile u64 soft_interrupts;
volatile u64 timer_interrupts;

static struct virtio_device *routes[ROUTES_MAX];
static u32 route_count;
static volatile bool watchdog_set;

static volatile bool expecting;
static volatile struct trap caught;
static u64 fetch_return;

static u64 plic_context(u64 first, u64 stride) { return board.plic_base + first + stride * board.plic_context; }

static void external_interrupt(void) {
  u64 claim = plic_context(0x200004, 0x1000);
  u32 irq = mmio_read32(claim);
  if (irq == 0) return;
  bool known = false;
  for (u32 i = 0; i < route_count; i++) {
    if (routes[i]->irq != irq) continue;
    virtio_acknowledge(routes[i]);
    known = true;
  }
  check(known, "an interrupt comes from a device that is in use");
  mmio_write32(claim, irq);
}

static void interrupt(u64 number) {
  switch (number) {
    case IRQ_SOFT_S:
      CSR_CLEAR(sip, 1ul << IRQ_SOFT_S);
      soft_interrupts++;
      return;
    case IRQ_TIMER_S:
      check(!watchdog_set, "a device answers before the watchdog");
      CSR_CLEAR(sie, 1ul << IRQ_TIMER_S); /* until the next one is wanted: the line stays up until the timer is moved */
      timer_interrupts++;
      return;
    case IRQ_EXTERNAL_S:
      external_interrupt();
      return;
    default:
      check(false, "only known interrupts are taken");
  }
}

/* Where to go on; called by trap_entry. */
u64 trap_handle(u64 cause, u64 epc, u64 tval) {
  if (cause & CAUSE_INTERRUPT) {
    interrupt(cause & ~CAUSE_INTERRUPT);
    return epc;
  }
  if (!expecting) {
    console_fall_back();
    print("unexpected trap: cause %u, epc 0x%x, tval 0x%x\n", cause, epc, tval);
  }
  check(expecting, "no exception comes unasked");
  expecting = false;
  caught.cause = cause;
  caught.epc = epc;
  caught.tval = tval;
  if (cause == CAUSE_FETCH_PAGE) return fetch_return;
  return epc + ((*(const volatile u16 *)epc & 3) == 3 ? 4 : 2);
}

/* Calls through a register that trap_handle can return through when the target cannot be fetched. */
static __attribute__((noinline)) void call_action(void (*action)(u64), u64 argument) {
  register u64 a0 __asm__("a0") = argument;
  __asm__ volatile(
      "la t0, 1f\n\t"
      "sd t0, (%2)\n\t"
      "jalr ra, %1\n"
      "1:"
      : "+r"(a0)
      : "r"(action), "r"(&fetch_return)
      : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "memory");
}

struct trap trap_of(void (*action)(u64), u64 argument) {
  caught.cause = NO_TRAP;
  expecting = true;
  call_action(action, argument);
  expecting = false;
  return (struct trap){caught.cause, caught.epc, caught.tval};
}

void interrupts_start(void) {
  if (board.plic_base != 0) mmio_write32(plic_context(0x200000, 0x1000), 0);
  CSR_SET(sie, 1ul << IRQ_SOFT_S | 1ul << IRQ_EXTERNAL_S);
  CSR_SET(sstatus, SSTATUS_SIE);
}

void interrupt_route(struct virtio_device *device) {
  check(board.plic_base != 0 && device->irq > 0 && device->irq < 128, "the device has a line into the PLIC");
  routes[route_count++] = device;
  mmio_write32(board.plic_base + 4ul * device->irq, 1);
  u64 enable = plic_context(0x2000, 0x80) + device->irq / 32 * 4;
  mmio_write32(enable, mmio_read32(enable) | 1u << device->irq % 32);
}

void wait_until(bool (*done)(const void *), const void *argument) {
  for (;;) {
    /* Looked at with interrupts off, so that one that comes in between still ends the wfi. */
    CSR_CLEAR(sstatus, SSTATUS_SIE);
    bool ready = done(argument);
    if (!ready) wait_for_interrupt();
    CSR_SET(sstatus, SSTATUS_SIE);
    if (ready) return;
  }
}

void watchdog(u64 seconds) {
  u64 due = seconds == 0 ? ~0ul : read_time() + seconds * board.timebase_hz;
  check(sbi_call(SBI_EXT_TIME, 0, due, 0, 0, 0).error == SBI_SUCCESS, "set_timer succeeds");
  watchdog_set = seconds != 0;
  if (seconds != 0) CSR_SET(sie, 1ul << IRQ_TIMER_S);
  else CSR_CLEAR(sie, 1ul << IRQ_TIMER_S);
}
