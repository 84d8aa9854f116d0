/*
 * Address spaces: what a process may access is a list of regions; pages come in with faults, and are shared after a fork until
 * one side writes.
 */
#include "layout.h"
#include "memory.h"
#include "platform.h"

#define TABLE_SPAN_BYTES (TABLE_ENTRIES * PAGE_SIZE_BYTES)
#define ROOT_INDEX (USER_BASE >> 30)
/* From here on, one flush of everything is cheaper than one for each page. */
#define FLUSH_PAGES_MAX 8

static u64 round_down(u64 va) { return va & -PAGE_SIZE_BYTES; }
static u64 round_up(u64 va) { return round_down(va + PAGE_SIZE_BYTES - 1); }
static u64 index_of(u64 va, u32 level) { return va >> (12 + 9 * level) & (TABLE_ENTRIES - 1); }

/* The table with the entries of pages around `va`; NULL: there is none, or none could be made. */
static u64 *leaf_table(const struct space *space, u64 va, bool create) {
  u64 *table = space->root;
  for (u32 level = 2; level > 0; level--) {
    u64 *slot = &table[index_of(va, level)];
    if ((*slot & PTE_V) == 0) {
      u64 *below = create ? page_get_zeroed() : NULL;
      if (below == NULL) return NULL;
      platform.mmu.set_table(space->root, slot, below);
    }
    table = pte_page(*slot);
  }
  return table;
}

static u64 table_end(u64 va, u64 end) {
  u64 next = (va & -TABLE_SPAN_BYTES) + TABLE_SPAN_BYTES;
  return next < end ? next : end;
}

static struct region *region_at(struct space *space, u64 va) {
  for (u32 i = 0; i < REGIONS_MAX; i++) {
    struct region *region = &space->regions[i];
    if (region->kind != REGION_FREE && va >= region->start && va < region->end) return region;
  }
  return NULL;
}

bool space_create(struct space *space) {
  *space = (struct space){.root = page_get_zeroed()};
  if (space->root == NULL) return false;
  if (platform.mmu.root_create(space->root)) return true;
  page_put(space->root);
  return false;
}

void space_ready(struct space *space) { platform.mmu.root_ready(space->root); }

bool space_add(struct space *space, struct region region) {
  for (u32 i = 0; i < REGIONS_MAX; i++) {
    if (space->regions[i].kind != REGION_FREE) continue;
    space->regions[i] = region;
    return true;
  }
  return false;
}

/* Takes every page of a range out of the tables. */
static void remove_pages(struct space *space, u64 start, u64 end) {
  platform.mmu.lazy_begin();
  for (u64 va = start; va < end;) {
    u64 *table = leaf_table(space, va, false);
    u64 stop = table_end(va, end);
    for (; table != NULL && va < stop; va += PAGE_SIZE_BYTES) {
      u64 *slot = &table[index_of(va, 0)];
      u64 entry = *slot;
      if ((entry & PTE_V) == 0) continue;
      platform.mmu.set_entry(slot, 0);
      page_put(pte_page(entry));
    }
    va = stop;
  }
  platform.mmu.lazy_end();
}

static bool share_region(struct space *copy, struct space *of, const struct region *region) {
  for (u64 va = region->start; va < region->end;) {
    u64 *from = leaf_table(of, va, false);
    u64 stop = table_end(va, region->end);
    u64 *to = from == NULL ? NULL : leaf_table(copy, va, true);
    if (from != NULL && to == NULL) return false;
    for (; from != NULL && va < stop; va += PAGE_SIZE_BYTES) {
      u64 entry = from[index_of(va, 0)];
      if ((entry & PTE_V) == 0) continue;
      if (entry & PTE_W) {
        entry = (entry & ~(PTE_W | PTE_D)) | PTE_COW;
        platform.mmu.set_entry(&from[index_of(va, 0)], entry);
      }
      page_share(pte_page(entry));
      platform.mmu.set_entry(&to[index_of(va, 0)], entry);
    }
    va = stop;
  }
  return true;
}

bool space_fork(struct space *copy, struct space *of) {
  bool complete = true;
  platform.mmu.lazy_begin();
  for (u32 i = 0; i < REGIONS_MAX && complete; i++) {
    copy->regions[i] = of->regions[i];
    if (of->regions[i].kind != REGION_FREE) complete = share_region(copy, of, &of->regions[i]);
  }
  platform.mmu.lazy_end();
  platform.mmu.flush_all();
  return complete;
}

/* Gives back what the entries of a table that is not used any more point to, and the table. */
static void free_table(u64 *table, u32 level) {
  for (u32 i = 0; i < TABLE_ENTRIES; i++) {
    if ((table[i] & PTE_V) == 0) continue;
    if (level > 0) free_table(pte_page(table[i]), level - 1);
    else page_put(pte_page(table[i]));
  }
  page_put(table);
}

void space_destroy(struct space *space) {
  u64 entry = space->root[ROOT_INDEX];
  platform.mmu.root_destroy(space->root);
  if (entry & PTE_V) free_table(pte_page(entry), 1);
  page_put(space->root);
  space->root = NULL;
}

u64 space_map(struct space *space, u64 length_bytes) {
  if (length_bytes == 0 || length_bytes > USER_MAPPINGS_END - USER_MAPPINGS) return 0;
  u64 length = round_up(length_bytes);
  u64 start = USER_MAPPINGS;
  for (u32 i = 0; i < REGIONS_MAX; i++) {
    const struct region *region = &space->regions[i];
    if (region->kind == REGION_FREE || region->end <= start || region->start >= start + length) continue;
    start = region->end;
    i = -1u; /* regions are in no order: look at all again */
  }
  if (start + length > USER_MAPPINGS_END) return 0;
  struct region region = {.start = start, .end = start + length, .kind = REGION_ZERO, .writable = true};
  return space_add(space, region) ? start : 0;
}

bool space_unmap(struct space *space, u64 start, u64 length_bytes) {
  struct region *region = region_at(space, start);
  if (region == NULL || start < USER_MAPPINGS || start >= USER_MAPPINGS_END) return false;
  if (region->start != start || region->end - start != round_up(length_bytes)) return false;
  u64 end = region->end;
  region->kind = REGION_FREE;
  remove_pages(space, start, end);
  if ((end - start) / PAGE_SIZE_BYTES > FLUSH_PAGES_MAX) {
    platform.mmu.flush_all();
  } else {
    for (u64 va = start; va < end; va += PAGE_SIZE_BYTES) platform.mmu.flush_page(va);
  }
  return true;
}

static void *first_page(const struct region *region, u64 va) {
  if (region->kind == REGION_ZERO) return page_get_zeroed();
  void *page = page_get();
  if (page == NULL) return NULL;
  memcpy(page, region->image + (va - region->start), PAGE_SIZE_BYTES);
  __asm__ volatile("fence.i" : : : "memory");
  return page;
}

/* The page of its own that a write gets where others share one. */
static void *own_page(void *shared) {
  if (!page_is_shared(shared)) return shared;
  void *page = page_get();
  if (page == NULL) return NULL;
  memcpy(page, shared, PAGE_SIZE_BYTES);
  page_put(shared);
  return page;
}

static u64 leaf_flags(const struct region *region) {
  u64 flags = PTE_V | PTE_R | PTE_U | PTE_A;
  if (region->writable) return flags | PTE_W | PTE_D;
  return flags | (region->kind == REGION_IMAGE ? PTE_X : 0);
}

bool space_fault(struct space *space, u64 va, enum access access) {
  const struct region *region = region_at(space, va);
  if (region == NULL || (access == ACCESS_WRITE && !region->writable)) return false;
  u64 flags = leaf_flags(region);
  if (access == ACCESS_EXECUTE && (flags & PTE_X) == 0) return false;
  u64 *table = leaf_table(space, va, true);
  if (table == NULL) return false;
  u64 *slot = &table[index_of(va, 0)];
  u64 entry = *slot;
  void *page;
  if ((entry & PTE_V) == 0) page = first_page(region, round_down(va));
  else if (access == ACCESS_WRITE && (entry & PTE_COW)) page = own_page(pte_page(entry));
  else return true; /* in the tables already: the processor had not seen it yet */
  if (page == NULL) return false;
  platform.mmu.set_entry_now(va, slot, pte_make(page, flags));
  return true;
}

void *space_byte(struct space *space, u64 va, enum access access) {
  if (va < USER_BASE || va >= USER_END) return NULL;
  u64 needed = PTE_V | (access == ACCESS_WRITE ? PTE_W : PTE_R);
  for (u32 attempt = 0; attempt < 2; attempt++) {
    const u64 *table = leaf_table(space, va, false);
    u64 entry = table == NULL ? 0 : table[index_of(va, 0)];
    if ((entry & needed) == needed) return (u8 *)pte_page(entry) + va % PAGE_SIZE_BYTES;
    if (!space_fault(space, va, access)) return NULL;
  }
  return NULL;
}
