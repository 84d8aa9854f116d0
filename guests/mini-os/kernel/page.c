/*
 * Physical pages: a pool behind the kernel's image. Fresh pages come in ascending order, given back ones are taken first.
 * Not used by interrupts.
 */
#include "memory.h"
#include "platform.h"

#define POOL_PAGES_MAX 4096u /* 16 MiB */

struct free_page {
  struct free_page *next;
};

extern u8 guest_end[];

static u8 *pool;
static u64 pool_pages;
static u64 fresh; /* index of the first page that was never used */
static struct free_page *returned;
static u16 users[POOL_PAGES_MAX];

void pages_start(void) {
  pool = (u8 *)(((u64)guest_end + PAGE_SIZE_BYTES - 1) & -PAGE_SIZE_BYTES);
  pool_pages = (board.ram_base + board.ram_size_bytes - (u64)pool) / PAGE_SIZE_BYTES;
  if (pool_pages > POOL_PAGES_MAX) pool_pages = POOL_PAGES_MAX;
}

static u16 *users_of(const void *page) { return &users[((const u8 *)page - pool) / PAGE_SIZE_BYTES]; }

void *page_get(void) {
  void *page;
  if (returned != NULL) {
    page = returned;
    returned = returned->next;
  } else if (fresh < pool_pages) {
    page = pool + fresh++ * PAGE_SIZE_BYTES;
  } else {
    return NULL;
  }
  *users_of(page) = 1;
  return page;
}

void *page_get_zeroed(void) {
  void *page = page_get();
  if (page != NULL) memset(page, 0, PAGE_SIZE_BYTES);
  return page;
}

void page_share(void *page) { ++*users_of(page); }

bool page_is_shared(const void *page) { return *users_of(page) > 1; }

void page_put(void *page) {
  if (--*users_of(page) > 0) return;
  struct free_page *free = page;
  free->next = returned;
  returned = free;
}
