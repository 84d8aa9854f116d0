/*
 * Sv39. The kernel sees all of physical memory under its own addresses, in gigapages that every root table has; the gigabyte of
 * processes lies between devices and RAM.
 */
#include "layout.h"
#include "memory.h"
#include "native.h"

#define SATP_SV39 (8ul << 60)
#define GIGAPAGE_SHIFT 30
#define PTE_DEVICES (PTE_V | PTE_R | PTE_W | PTE_G | PTE_A | PTE_D)
#define PTE_RAM (PTE_DEVICES | PTE_X)

static u64 kernel_root[TABLE_ENTRIES] __attribute__((aligned(4096)));

static u64 gigapage(u64 index) { return index << GIGAPAGE_SHIFT; }

bool native_root_create(u64 *root) {
  for (u32 i = 0; i < TABLE_ENTRIES; i++) root[i] = kernel_root[i];
  return true;
}

/* Tables are memory like any other: nobody has to be told. */
void native_root_ready(u64 *root) { (void)root; }

void native_root_destroy(u64 *root) { (void)root; }

void native_set_table(u64 *root, u64 *slot, u64 *table) {
  (void)root;
  native_set_entry(slot, pte_make(table, PTE_V));
}

void native_set_entry(u64 *slot, u64 entry) { *(volatile u64 *)slot = entry; }

void native_set_entry_now(u64 va, u64 *slot, u64 entry) {
  native_set_entry(slot, entry);
  native_flush_page(va);
}

void native_lazy_begin(void) {}

void native_lazy_end(void) {}

void native_activate(const u64 *root) {
  CSR_WRITE(satp, SATP_SV39 | (u64)(root == NULL ? kernel_root : root) >> 12);
  native_flush_all();
}

void native_flush_page(u64 va) { __asm__ volatile("sfence.vma %0, zero" : : "r"(va) : "memory"); }

void native_flush_all(void) { __asm__ volatile("sfence.vma" : : : "memory"); }

void native_mmu_start(void) {
  u64 first = board.ram_base >> GIGAPAGE_SHIFT;
  u64 last = (board.ram_base + board.ram_size_bytes - 1) >> GIGAPAGE_SHIFT;
  kernel_root[0] = pte_make((void *)gigapage(0), PTE_DEVICES);
  for (u64 i = first; i <= last; i++) kernel_root[i] = pte_make((void *)gigapage(i), PTE_RAM);
  native_activate(NULL);
}
