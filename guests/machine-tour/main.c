/*
 * A bare-metal tour in M-mode: traps, U-mode behind physical memory protection, the CLINT's timer and software interrupt. Prints
 * to the 16550 and ends through the test finisher; nothing printed depends on time or host.
 */
#include "base.h"
#include "print.h"

#define UART 0x10000000ul
#define UART_LSR (UART + 5)
#define UART_LSR_THRE 0x20
#define FINISHER 0x100000ul
#define FINISHER_PASS 0x5555u
#define FINISHER_FAIL 0x3333u
#define CLINT_MSIP 0x2000000ul
#define CLINT_MTIMECMP 0x2004000ul
#define CLINT_MTIME 0x200bff8ul

#define IRQ_SOFT_M 3
#define IRQ_TIMER_M 7
#define MSTATUS_MIE (1ul << 3)
#define PMP_R 1u
#define PMP_W 2u
#define PMP_X 4u
#define PMP_NAPOT (3u << 3)
#define PMP_L 0x80u
#define NO_TRAP (~0ul)
#define NOWHERE 0x08000000ul /* no device and no RAM */

#define check(condition, text) \
  do {                         \
    if (!(condition)) fail(text, __LINE__); \
  } while (0)

u64 user_run(u64 entry, u64 argument);
extern u8 user_text_page[], user_sum[], user_load[], user_store[], user_forbidden[];

static volatile u64 caught_cause;
static volatile u64 caught_tval;
static volatile u64 timer_interrupts;
static volatile u64 soft_interrupts;
static u64 shared_page[512] __attribute__((aligned(4096)));
static u64 secret_page[512] __attribute__((aligned(4096)));

void console_write(const char *text, u64 length_bytes) {
  for (u64 i = 0; i < length_bytes; i++) {
    while ((mmio_read8(UART_LSR) & UART_LSR_THRE) == 0) continue;
    mmio_write8(UART, (u8)text[i]);
  }
}

static void fail(const char *text, u64 line) {
  print("FAILED: %s (line %u)\n", text, line);
  mmio_write32(FINISHER, 1u << 16 | FINISHER_FAIL);
  for (;;) wait_for_interrupt();
}

/* Where to go on; called by trap_entry. */
u64 trap_handle(u64 cause, u64 epc, u64 tval) {
  if (cause == (CAUSE_INTERRUPT | IRQ_TIMER_M)) {
    *(volatile u64 *)CLINT_MTIMECMP = ~0ul;
    timer_interrupts++;
    return epc;
  }
  if (cause == (CAUSE_INTERRUPT | IRQ_SOFT_M)) {
    mmio_write32(CLINT_MSIP, 0);
    soft_interrupts++;
    return epc;
  }
  caught_cause = cause;
  caught_tval = tval;
  return epc + ((*(const volatile u16 *)epc & 3) == 3 ? 4 : 2);
}

static void expect(u64 cause, const char *text) {
  check(caught_cause == cause, text);
  caught_cause = NO_TRAP;
}

static void traps(void) {
  caught_cause = NO_TRAP;
  __asm__ volatile(".4byte 0xffffffff");
  expect(CAUSE_ILLEGAL_INSN, "an undefined encoding is an illegal instruction");
  __asm__ volatile("ebreak");
  expect(CAUSE_BREAKPOINT, "ebreak is a breakpoint");
  __asm__ volatile("ecall");
  expect(CAUSE_ECALL_M, "ecall comes from M-mode");
  (void)*(volatile u64 *)NOWHERE;
  expect(CAUSE_LOAD_ACCESS, "a load from nowhere is an access fault");
  check(caught_tval == NOWHERE, "whose tval is the address");
  *(volatile u64 *)NOWHERE = 1;
  expect(CAUSE_STORE_ACCESS, "a store to nowhere is an access fault");
  __asm__ volatile("csrw mhartid, zero");
  expect(CAUSE_ILLEGAL_INSN, "a read-only csr cannot be written");
  print("traps: each came with its cause\n");
}

static u64 napot_page(const void *page) { return (u64)page >> 2 | 0x1ff; }

static u64 user(u8 *function, u64 argument) { return user_run((u64)function, argument); }

static void protection(void) {
  CSR_WRITE(pmpaddr0, napot_page(user_text_page));
  CSR_WRITE(pmpaddr1, napot_page(shared_page));
  CSR_WRITE(pmpaddr2, napot_page(secret_page));
  CSR_WRITE(pmpcfg0, (PMP_NAPOT | PMP_R | PMP_X) | (PMP_NAPOT | PMP_R) << 8);
  shared_page[0] = 0x600d;
  secret_page[0] = 0x5ec;
  check(user(user_sum, 100) == 5050 && CSR_READ(mcause) == CAUSE_ECALL_U, "user code runs and calls");
  check(user(user_load, (u64)shared_page) == 0x600d, "it reads what it may read");
  user(user_store, (u64)shared_page);
  check(CSR_READ(mcause) == CAUSE_STORE_ACCESS && CSR_READ(mtval) == (u64)shared_page, "it cannot write that");
  user(user_load, (u64)secret_page);
  check(CSR_READ(mcause) == CAUSE_LOAD_ACCESS && CSR_READ(mtval) == (u64)secret_page, "nor read what is not listed");
  user(user_forbidden, 0);
  check(CSR_READ(mcause) == CAUSE_ILLEGAL_INSN, "nor read mstatus");
  check(shared_page[0] == 0x600d && *(volatile u64 *)secret_page == 0x5ec, "M-mode is not bound by unlocked entries");
  CSR_SET(pmpcfg0, (u64)(PMP_NAPOT | PMP_R | PMP_L) << 16);
  caught_cause = NO_TRAP;
  *(volatile u64 *)secret_page = 1;
  expect(CAUSE_STORE_ACCESS, "a locked entry binds M-mode too");
  CSR_WRITE(pmpaddr2, 0);
  check(CSR_READ(pmpaddr2) == napot_page(secret_page), "and cannot be changed");
  print("pmp: user code was kept to its pages, a locked page even from M-mode\n");
}

static void wait_for(volatile u64 *counter, u64 wanted) {
  while (*counter != wanted) {
    CSR_CLEAR(mstatus, MSTATUS_MIE);
    if (*counter != wanted) wait_for_interrupt();
    CSR_SET(mstatus, MSTATUS_MIE);
  }
}

static void clint(void) {
  *(volatile u64 *)CLINT_MTIMECMP = ~0ul;
  CSR_WRITE(mie, 1ul << IRQ_TIMER_M | 1ul << IRQ_SOFT_M);
  CSR_SET(mstatus, MSTATUS_MIE);
  u64 start = *(volatile u64 *)CLINT_MTIME;
  for (u64 i = 1; i <= 3; i++) {
    *(volatile u64 *)CLINT_MTIMECMP = start + i * 10000;
    wait_for(&timer_interrupts, i);
    check(*(volatile u64 *)CLINT_MTIME >= start + i * 10000, "no tick comes early");
  }
  mmio_write32(CLINT_MSIP, 1);
  wait_for(&soft_interrupts, 1);
  CSR_CLEAR(mstatus, MSTATUS_MIE);
  check(timer_interrupts == 3 && soft_interrupts == 1, "each interrupt was taken once");
  print("clint: 3 timer ticks and a software interrupt, each taken once\n");
}

void tour_main(void) {
  print("machine-tour: in M-mode on hart %u\n", CSR_READ(mhartid));
  traps();
  protection();
  clint();
  print("machine-tour: all checks passed\n");
  mmio_write32(FINISHER, FINISHER_PASS);
}
