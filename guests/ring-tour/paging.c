/*
 * Sv39: the tour goes on behind an identity map of the first 512 GiB below the sign bit, plus a window of small pages whose
 * entries are changed while they are looked at.
 */
#include "tour.h"

#define PTE_V (1ul << 0)
#define PTE_R (1ul << 1)
#define PTE_W (1ul << 2)
#define PTE_X (1ul << 3)
#define PTE_U (1ul << 4)
/* Accessed and dirty are set beforehand: whether the walker or a page fault sets them differs between machines. */
#define PTE_AD (3ul << 6)
#define PTE_RW (PTE_V | PTE_R | PTE_W | PTE_AD)
#define SATP_SV39 (8ul << 60)
#define ENTRIES 512

#define WINDOW_ROOT_INDEX 255
#define WINDOW_VA ((u64)WINDOW_ROOT_INDEX << 30)
#define WINDOW_PAGE(n) (WINDOW_VA + (n) * PAGE_SIZE_BYTES)

enum { PAGE_ALIAS, PAGE_READ_ONLY, PAGE_LATE, PAGE_USER_TEXT };

static u64 root_table[ENTRIES] __attribute__((aligned(4096)));
static u64 middle_table[ENTRIES] __attribute__((aligned(4096)));
static u64 leaf_table[ENTRIES] __attribute__((aligned(4096)));
static u64 first_page[ENTRIES] __attribute__((aligned(4096)));
static u64 second_page[ENTRIES] __attribute__((aligned(4096)));

extern u8 user_text_page[], user_sum[], user_forbidden[];

static u64 pte(const void *target, u64 flags) { return (u64)target >> 12 << 10 | flags; }

static void flush_page(u64 va) { __asm__ volatile("sfence.vma %0, zero" : : "r"(va) : "memory"); }

static void map(u32 page, const void *target, u64 flags) {
  *(volatile u64 *)&leaf_table[page] = pte(target, flags);
  flush_page(WINDOW_PAGE(page));
}

static volatile u64 *at(u64 va) { return (volatile u64 *)va; }

static void load(u64 va) { (void)*at(va); }
static void store(u64 va) { *at(va) = 0xbad; }

static void expect_fault(void (*action)(u64), u64 va, u64 cause, const char *text) {
  struct trap trap = trap_of(action, va);
  check(trap.cause == cause && trap.tval == va, text);
}

static void expect_fetch_fault(u64 va, const char *text) {
  /* Called directly: with a function in between, its stack frame would be left behind. */
  struct trap trap = trap_of((void (*)(u64))va, 0);
  check(trap.cause == CAUSE_FETCH_PAGE && trap.tval == va, text);
}

static void turn_on(void) {
  for (u64 i = 0; i < 4; i++) root_table[i] = i << 28 | PTE_RW | PTE_X;
  root_table[WINDOW_ROOT_INDEX] = pte(middle_table, PTE_V);
  middle_table[0] = pte(leaf_table, PTE_V);
  leaf_table[PAGE_ALIAS] = pte(first_page, PTE_RW);
  leaf_table[PAGE_READ_ONLY] = pte(first_page, PTE_V | PTE_R | PTE_AD);
  leaf_table[PAGE_USER_TEXT] = pte(user_text_page, PTE_V | PTE_R | PTE_X | PTE_U | PTE_AD);
  __asm__ volatile("sfence.vma" : : : "memory");
  u64 satp = SATP_SV39 | (u64)root_table >> 12;
  CSR_WRITE(satp, satp);
  __asm__ volatile("sfence.vma" : : : "memory");
  check(CSR_READ(satp) == satp, "satp takes Sv39");
}

static void aliases(void) {
  first_page[7] = 0x1111;
  second_page[7] = 0x2222;
  check(at(WINDOW_PAGE(PAGE_ALIAS))[7] == 0x1111, "the alias reads the page");
  at(WINDOW_PAGE(PAGE_ALIAS))[8] = 0x3333;
  check(*(volatile u64 *)&first_page[8] == 0x3333, "a store through the alias reaches the page");
  check(at(WINDOW_PAGE(PAGE_READ_ONLY))[8] == 0x3333, "the second alias reads the same");
  map(PAGE_ALIAS, second_page, PTE_RW);
  check(at(WINDOW_PAGE(PAGE_ALIAS))[7] == 0x2222, "after the remap the alias reads the other page");
}

static void faults(void) {
  u64 late = WINDOW_PAGE(PAGE_LATE);
  expect_fault(load, late + 8, CAUSE_LOAD_PAGE, "loading an unmapped page faults");
  expect_fault(store, late + 16, CAUSE_STORE_PAGE, "storing to an unmapped page faults");
  expect_fetch_fault(late + 32, "fetching an unmapped page faults");
  expect_fetch_fault(WINDOW_PAGE(PAGE_ALIAS), "fetching a page without X faults");
  expect_fault(store, WINDOW_PAGE(PAGE_READ_ONLY), CAUSE_STORE_PAGE, "storing to a read-only page faults");
  expect_fault(load, 1ul << 38, CAUSE_LOAD_PAGE, "an address that is not canonical faults");
  map(PAGE_LATE, first_page, PTE_RW);
  check(trap_of(load, late + 8).cause == NO_TRAP, "once mapped it does not");
  check(at(late)[8] == 0x3333, "and reads the page");
}

static void user_mode(void) {
  u64 text = WINDOW_PAGE(PAGE_USER_TEXT);
  expect_fault(load, text, CAUSE_LOAD_PAGE, "S-mode without SUM cannot read a user page");
  CSR_SET(sstatus, SSTATUS_SUM);
  check(trap_of(load, text).cause == NO_TRAP, "with SUM it can");
  CSR_CLEAR(sstatus, SSTATUS_SUM);

  u64 enabled = CSR_READ(sie);
  CSR_WRITE(sie, 0);
  u64 sum = user_run(text + (u64)(user_sum - user_text_page), 100);
  check(CSR_READ(scause) == CAUSE_ECALL_U && sum == 5050, "user code runs and calls");
  user_run(text + (u64)(user_forbidden - user_text_page), 0);
  check(CSR_READ(scause) == CAUSE_ILLEGAL_INSN, "user code cannot read sstatus");
  user_run((u64)first_page, 0);
  check(CSR_READ(scause) == CAUSE_FETCH_PAGE, "user code cannot run a supervisor page");
  CSR_WRITE(sie, enabled);
  CSR_SET(sstatus, SSTATUS_SIE);
}

void chapter_paging(void) {
  turn_on();
  aliases();
  print("sv39: on, one page seen through two aliases, one alias moved to another page\n");
  faults();
  print("sv39: unmapped, read-only, not executable and not canonical all fault with their address\n");
  user_mode();
  print("user: ran in U-mode, called back, and was kept out of what is not its own\n");
}
