/*
 * Direct paging without types and counts: what is checked is that tables have the right form, and that the kernel sees none of them
 * writable.
 */
#include "stand-in.h"

#define PTE_V 1ul
#define PTE_R 2ul
#define PTE_W 4ul
#define PTE_X 8ul
#define PTE_U 16ul
#define PTE_AD 0xc0ul
#define PTE_LEAF (PTE_R | PTE_W | PTE_X)
#define ENTRIES 512
#define SATP_SV39 (8ul << 60)
#define LEAF_TABLES (RAM_BYTES >> 21)
#define OWN_FRAMES (4 + LEAF_TABLES) /* start info, shared info, root, middle table, leaf tables */
/* Room for QEMU's device tree behind what is ours. */
#define TREE_BYTES (2ul << 20)

static u64 kernel_root, user_root;

static u64 frame_of(u64 entry) { return entry >> 10 << 12; }
static u64 entry_for(u64 frame, u64 flags) { return frame >> 12 << 10 | flags; }

static void flush(void) { __asm__ volatile("sfence.vma" : : : "memory"); }

static u64 *leaf_slot(u64 va) {
  u64 *table = (u64 *)kernel_root;
  for (u32 level = 2; level > 0; level--) {
    u64 entry = table[va >> (12 + 9 * level) & (ENTRIES - 1)];
    rule((entry & PTE_V) && (entry & PTE_LEAF) == 0, "there is a table for the address", va);
    table = (u64 *)frame_of(entry);
  }
  return &table[va >> 12 & (ENTRIES - 1)];
}

static bool is_writable(u64 frame) {
  u64 entry = *leaf_slot(frame);
  return (entry & PTE_V) && (entry & PTE_W);
}

static void check_entry(u64 entry, u32 level) {
  if ((entry & PTE_V) == 0) return;
  if (level > 0) {
    rule((entry & PTE_LEAF) == 0, "there are no superpages", entry);
    rule(!is_writable(frame_of(entry)), "a table is read-only", entry);
  } else {
    rule((entry & (PTE_R | PTE_U)) == (PTE_R | PTE_U), "a leaf can be read in user mode", entry);
    bool is_own_page = frame_of(entry) == (u64)shared;
    rule((entry & PTE_W) == 0 || is_own_page || is_writable(frame_of(entry)), "no table is writable anywhere", entry);
  }
}

static void check_table(u64 table, u32 level) {
  rule(!is_writable(table), "a table is read-only", table);
  for (u32 i = 0; i < ENTRIES; i++) {
    u64 entry = ((u64 *)table)[i];
    check_entry(entry, level);
    if (level > 0 && (entry & PTE_V)) check_table(frame_of(entry), level - 1);
  }
}

void mmu_update(const struct mmu_update *requests, u64 count) {
  for (u64 i = 0; i < count; i++) {
    u64 slot = requests[i].ptr & ~7ul;
    rule(!is_writable(slot), "what is updated is a table", slot);
    /* By its form: what level the table has is known when a root above it is pinned. */
    check_entry(requests[i].val, requests[i].val & PTE_LEAF ? 0 : 1);
    *(u64 *)slot = requests[i].val;
  }
}

void update_va_mapping(u64 va, u64 entry) {
  u64 *slot = leaf_slot(va);
  /* RAM itself may become writable again: it is by this entry that it is known to be. */
  if (va < RAM_BASE) check_entry(entry, 0);
  *slot = entry;
  flush();
}

void paging_enter(bool kernel_mode) {
  u64 root = kernel_mode ? kernel_root : user_root;
  rule(root != 0, "there is a root for the mode", kernel_mode);
  CSR_WRITE(satp, SATP_SV39 | root >> 12);
  flush();
}

void mmuext_op(const struct mmuext_op *operations, u64 count, bool kernel_mode) {
  for (u64 i = 0; i < count; i++) {
    u64 frame = operations[i].arg1;
    switch (operations[i].cmd) {
      case MMUEXT_PIN_L3_TABLE:
        check_table(frame, 2);
        break;
      case MMUEXT_UNPIN_TABLE:
        rule(frame != kernel_root && frame != user_root, "a root that is loaded is not unpinned", frame);
        break;
      case MMUEXT_NEW_BASEPTR:
        rule(!is_writable(frame), "a root that is loaded is a table", frame);
        kernel_root = frame;
        break;
      case MMUEXT_NEW_USER_BASEPTR:
        rule(frame == 0 || !is_writable(frame), "a root that is loaded is a table", frame);
        user_root = frame;
        break;
      case MMUEXT_TLB_FLUSH_LOCAL:
      case MMUEXT_INVLPG_LOCAL:
        break; /* by what follows */
      default:
        broken("there is such an extended operation", operations[i].cmd);
    }
  }
  paging_enter(kernel_mode);
}

/* One to one, everything writable but what is not the guest's to write. */
void paging_start(void) {
  u64 base = RAM_BASE + RAM_BYTES - TREE_BYTES - OWN_FRAMES * PAGE_SIZE_BYTES;
  memset((void *)base, 0, OWN_FRAMES * PAGE_SIZE_BYTES);
  start_info = (struct pv_start_info *)base;
  shared = (struct shared_info *)(base + PAGE_SIZE_BYTES);
  kernel_root = base + 2 * PAGE_SIZE_BYTES;
  u64 *middle = (u64 *)(base + 3 * PAGE_SIZE_BYTES);
  u64 *leaves = (u64 *)(base + 4 * PAGE_SIZE_BYTES);
  ((u64 *)kernel_root)[RAM_BASE >> 30] = entry_for((u64)middle, PTE_V);
  for (u64 i = 0; i < LEAF_TABLES; i++) middle[i] = entry_for((u64)leaves + i * PAGE_SIZE_BYTES, PTE_V);
  for (u64 frame = RAM_BASE; frame < RAM_BASE + RAM_BYTES; frame += PAGE_SIZE_BYTES) {
    bool is_ours = frame >= base && frame < base + OWN_FRAMES * PAGE_SIZE_BYTES && frame != (u64)shared;
    u64 flags = PTE_V | PTE_R | PTE_X | PTE_U | PTE_AD | (is_ours ? 0 : PTE_W);
    leaves[(frame - RAM_BASE) / PAGE_SIZE_BYTES] = entry_for(frame, flags);
  }
  start_info->initial_root = kernel_root;
  paging_enter(true);
}
