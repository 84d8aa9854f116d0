/* Workloads on page tables. */
#include "user.h"

#define MAP_PAGES 16
#define FAULT_PAGES 512
#define STRIDE (PAGE_SIZE_BYTES / sizeof(u64))

/* Maps, touches and unmaps a few pages: many changes of page tables, and flushes. */
u32 workload_mmap(u64 iterations) {
  u32 checksum = CHECKSUM_START;
  for (u64 i = 0; i < iterations; i++) {
    u64 *data = map_pages(MAP_PAGES * PAGE_SIZE_BYTES);
    for (u64 page = 0; page < MAP_PAGES; page++) data[page * STRIDE] = scramble(i * MAP_PAGES + page);
    for (u64 page = 0; page < MAP_PAGES; page++) checksum = checksum_add(checksum, data[page * STRIDE] + data[page * STRIDE + 1]);
    unmap_pages(data, MAP_PAGES * PAGE_SIZE_BYTES);
  }
  return checksum;
}

/* One fault an iteration: the first touch of a page. Mappings are large, so that little else happens. */
u32 workload_pagefault(u64 iterations) {
  const u64 length = FAULT_PAGES * PAGE_SIZE_BYTES;
  u32 checksum = CHECKSUM_START;
  volatile u64 *data = NULL;
  for (u64 i = 0; i < iterations; i++) {
    u64 page = i % FAULT_PAGES;
    if (page == 0 && data != NULL) unmap_pages((void *)data, length);
    if (page == 0) data = map_pages(length);
    data[page * STRIDE] += i;
    checksum = checksum_add(checksum, data[page * STRIDE]);
  }
  unmap_pages((void *)data, length);
  return checksum;
}
