/*
 * Physical pages and address spaces.
 */
#ifndef MINI_OS_MEMORY_H
#define MINI_OS_MEMORY_H

#include "base.h"

/* Entries of Sv39 tables (Privileged ISA, chapter "Sv39"). */
#define PTE_V (1ul << 0)
#define PTE_R (1ul << 1)
#define PTE_W (1ul << 2)
#define PTE_X (1ul << 3)
#define PTE_U (1ul << 4)
#define PTE_G (1ul << 5)
#define PTE_A (1ul << 6)
#define PTE_D (1ul << 7)
#define PTE_COW (1ul << 8) /* for software: writable once it is not shared any more */
#define TABLE_ENTRIES 512

static inline u64 pte_make(const void *page, u64 flags) { return (u64)page >> 12 << 10 | flags; }
static inline void *pte_page(u64 entry) { return (void *)(entry >> 10 << 12); }

/* page.c: pages are known by their address in the kernel, which sees physical memory as it is. */
void pages_start(void);
/* A page with one user; NULL: none is left. */
void *page_get(void);
void *page_get_zeroed(void);
/* One user more, or less: without any the page is free. */
void page_share(void *page);
void page_put(void *page);
bool page_is_shared(const void *page);

/* space.c */
enum region_kind { REGION_FREE, REGION_ZERO, REGION_IMAGE };

/* Part of an address space in which faults are served. Whole pages. */
struct region {
  u64 start;
  u64 end;
  const u8 *image; /* REGION_IMAGE: what stands at `start` */
  enum region_kind kind;
  bool writable;
};

#define REGIONS_MAX 16

struct space {
  u64 *root;
  struct region regions[REGIONS_MAX];
};

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_EXECUTE };

/* All of these answer false if memory or regions run out, and leave nothing behind that `space_destroy` would not free. */
bool space_create(struct space *space);
/* Once, before it is first the current one. */
void space_ready(struct space *space);
bool space_add(struct space *space, struct region region);
/* `copy` is empty. Its pages are those of the current space `of` until one of the two writes. */
bool space_fork(struct space *copy, struct space *of);
/* Takes a space apart that is not the current one. */
void space_destroy(struct space *space);
/* Of the current space: finds room for zeroed pages (0: none), and gives it back. */
u64 space_map(struct space *space, u64 length_bytes);
bool space_unmap(struct space *space, u64 start, u64 length_bytes);
/* Makes the page at `va` of the current space ready for an access; false if there is nothing, or no memory. */
bool space_fault(struct space *space, u64 va, enum access access);
/* Where the kernel finds the byte at `va`, after a fault if it takes one; NULL: the process may not access that. */
void *space_byte(struct space *space, u64 va, enum access access);

/* user-copy.c: from and to the current process. False: the process may not access that. */
bool copy_from_user(void *to, u64 from, u64 length_bytes);
bool copy_to_user(u64 to, const void *from, u64 length_bytes);

#endif
