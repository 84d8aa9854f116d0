/*
 * Direct paging: the tables are the ones that the processor walks, so they may be read but not written; entries are changed by request. A
 * table is built by plain stores as long as it is a page like any other, and handed over as a whole.
 *
 * A process has two roots, since its kernel executes in user mode too: one with the kernel in it, and one without. They share all
 * tables of the process. The first holds the second's address in an entry that is not valid.
 */
#include "layout.h"
#include "memory.h"
#include "pv.h"
#include "trap.h"

#define FRAMES_MAX 16384u /* 64 MiB: where pages for tables come from */
#define UPDATES_MAX 128
#define CALLS_MAX 32
#define USER_INDEX (USER_BASE >> 30)
#define USER_ROOT_SLOT (TABLE_ENTRIES - 1)
#define PTE_KERNEL (PTE_V | PTE_R | PTE_U | PTE_A)

/* Arguments of calls, which are read by physical address. */
static struct mmu_update updates[UPDATES_MAX];
static struct multicall_entry calls[CALLS_MAX];
static struct mmuext_op extended[3];

static u32 update_count;
static u32 call_count;
static bool lazy;
static u64 handed_over[FRAMES_MAX / 64]; /* a bit for each frame that is a table for the hypervisor */

static u64 *handed_over_word(const void *table, u64 *bit) {
  u64 frame = ((u64)table - board.ram_base) / PAGE_SIZE_BYTES;
  if (frame >= FRAMES_MAX) panic("a table lies too high", (u64)table);
  *bit = 1ul << frame % 64;
  return &handed_over[frame / 64];
}

static bool is_handed_over(const void *within) {
  u64 bit;
  return (*handed_over_word(within, &bit) & bit) != 0;
}

static void write_updates(void) {
  if (update_count > 0) pv_must(PV_MMU_UPDATE, (u64)updates, update_count, 0);
  update_count = 0;
}

static void add_update(u64 *slot, u64 entry) {
  if (update_count == UPDATES_MAX) write_updates();
  updates[update_count++] = (struct mmu_update){(u64)slot | MMU_NORMAL_PT_UPDATE, entry};
}

static void run_calls(void) {
  if (call_count == 0) return;
  pv_must(PV_MULTICALL, (u64)calls, call_count, 0);
  for (u32 i = 0; i < call_count; i++) {
    if (calls[i].result < 0) panic("a call of a batch failed", calls[i].op << 32 | (u32)-calls[i].result);
  }
  call_count = 0;
}

/* Changes how the kernel sees a page, before it becomes a table or after it was one. Takes effect with `run_calls`. */
static void hand_over(u64 *table, bool over) {
  u64 bit;
  u64 *word = handed_over_word(table, &bit);
  if (over) *word |= bit;
  else *word &= ~bit;
  if (call_count == CALLS_MAX) run_calls();
  u64 entry = pte_make(table, over ? PTE_KERNEL : PTE_KERNEL | PTE_W | PTE_D);
  calls[call_count++] = (struct multicall_entry){
      .op = PV_UPDATE_VA_MAPPING,
      .args = {(u64)table, entry, UVMF_INVLPG},
  };
}

/* Every table below both roots, and they themselves. */
static void hand_over_all(u64 *root, bool over) {
  u64 entry = root[USER_INDEX];
  u64 *middle = pte_page(entry);
  for (u32 i = 0; (entry & PTE_V) && i < TABLE_ENTRIES; i++) {
    if (middle[i] & PTE_V) hand_over(pte_page(middle[i]), over);
  }
  if (entry & PTE_V) hand_over(middle, over);
  hand_over((u64 *)root[USER_ROOT_SLOT], over);
  hand_over(root, over);
  run_calls();
}

static void call_extended(u32 count) { pv_must(PV_MMUEXT_OP, (u64)extended, count, 0); }

void pv_mmu_start(void) {} /* translation is on from the first instruction */

bool pv_root_create(u64 *root) {
  const u64 *initial = (const u64 *)pv_start_info->initial_root;
  u64 *user_root = page_get_zeroed();
  if (user_root == NULL) return false;
  for (u32 i = 0; i < TABLE_ENTRIES; i++) root[i] = initial[i];
  root[USER_ROOT_SLOT] = (u64)user_root;
  return true;
}

void pv_root_ready(u64 *root) {
  hand_over_all(root, true);
  extended[0] = (struct mmuext_op){.cmd = MMUEXT_PIN_L3_TABLE, .arg1 = (u64)root};
  extended[1] = (struct mmuext_op){.cmd = MMUEXT_PIN_L3_TABLE, .arg1 = root[USER_ROOT_SLOT]};
  call_extended(2);
}

void pv_root_destroy(u64 *root) {
  if (is_handed_over(root)) {
    extended[0] = (struct mmuext_op){.cmd = MMUEXT_UNPIN_TABLE, .arg1 = (u64)root};
    extended[1] = (struct mmuext_op){.cmd = MMUEXT_UNPIN_TABLE, .arg1 = root[USER_ROOT_SLOT]};
    call_extended(2);
    hand_over_all(root, false);
  }
  page_put((u64 *)root[USER_ROOT_SLOT]);
}

void pv_set_table(u64 *root, u64 *slot, u64 *table) {
  u64 entry = pte_make(table, PTE_V);
  u64 *user_root = (u64 *)root[USER_ROOT_SLOT];
  bool is_in_root = slot >= root && slot < root + TABLE_ENTRIES;
  if (!is_handed_over(root)) {
    *slot = entry;
    if (is_in_root) user_root[slot - root] = entry;
    return;
  }
  hand_over(table, true);
  run_calls();
  add_update(slot, entry);
  if (is_in_root) add_update(&user_root[slot - root], entry);
  write_updates();
}

void pv_set_entry(u64 *slot, u64 entry) {
  if (!is_handed_over(slot)) {
    *slot = entry;
    return;
  }
  add_update(slot, entry);
  if (!lazy) write_updates();
}

void pv_set_entry_now(u64 va, u64 *slot, u64 entry) {
  (void)slot;
  pv_must(PV_UPDATE_VA_MAPPING, va, entry, UVMF_INVLPG);
}

void pv_lazy_begin(void) { lazy = true; }

void pv_lazy_end(void) {
  lazy = false;
  write_updates();
}

void pv_activate(const u64 *root) {
  u64 kernel_root = root == NULL ? pv_start_info->initial_root : (u64)root;
  extended[0] = (struct mmuext_op){.cmd = MMUEXT_NEW_BASEPTR, .arg1 = kernel_root};
  extended[1] = (struct mmuext_op){.cmd = MMUEXT_NEW_USER_BASEPTR, .arg1 = root == NULL ? 0 : root[USER_ROOT_SLOT]};
  extended[2] = (struct mmuext_op){.cmd = MMUEXT_TLB_FLUSH_LOCAL};
  call_extended(3);
}

void pv_flush_page(u64 va) {
  extended[0] = (struct mmuext_op){.cmd = MMUEXT_INVLPG_LOCAL, .arg1 = va};
  call_extended(1);
}

void pv_flush_all(void) {
  extended[0] = (struct mmuext_op){.cmd = MMUEXT_TLB_FLUSH_LOCAL};
  call_extended(1);
}
