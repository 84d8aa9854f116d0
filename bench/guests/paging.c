/*
 * Paging: an S-mode program reads and writes random pages of a 64 MiB window in Sv39, and goes over to another address space with
 * the same window on other frames every few steps. Now and then a page is mapped anew.
 */
#include "bench.h"

#define PAGES (BUFFER_BYTES / PAGE_SIZE_BYTES)
#define SPACES 2
#define WINDOW 0x40000000ul
#define STEPS_PER_SWITCH 64
#define STEPS_PER_REMAP 1024
#define WORDS_PER_STEP 4

#define PTE_V 1ul
#define PTE_KERNEL 0xcful /* D A X W R V: code and data of the program, and devices */
#define PTE_DATA 0xc7ul   /* D A W R V */
#define PTE_ENTRIES 512
#define LEAF_TABLES (PAGES / PTE_ENTRIES)
#define SATP_SV39 (8ul << 60)

const char bench_name[] = "paging";

void supervisor_run(void (*function)(void));

struct space {
  u64 root[PTE_ENTRIES];
  u64 middle[PTE_ENTRIES];
  u64 leaves[LEAF_TABLES][PTE_ENTRIES];
};

static struct space spaces[SPACES] __attribute__((aligned(4096)));
static u64 steps;
static u64 result;

static u64 table_entry(const u64 *table) { return (u64)table >> 12 << 10 | PTE_V; }
static u64 frame_entry(u64 frame) { return (BUFFER / PAGE_SIZE_BYTES + frame) << 10 | PTE_DATA; }

/* The window on frames in an order of the space's own; everything else where it is, by pages of 1 GiB. */
static void make_space(struct space *space, u64 multiplier) {
  for (u64 gigabyte = 0; gigabyte < 4; gigabyte++) space->root[gigabyte] = gigabyte << 28 | PTE_KERNEL;
  space->root[WINDOW >> 30] = table_entry(space->middle);
  for (u64 i = 0; i < LEAF_TABLES; i++) space->middle[i] = table_entry(space->leaves[i]);
  for (u64 page = 0; page < PAGES; page++) {
    space->leaves[page / PTE_ENTRIES][page % PTE_ENTRIES] = frame_entry(page * multiplier % PAGES);
  }
}

static void enter(const struct space *space) {
  CSR_WRITE(satp, SATP_SV39 | (u64)space / PAGE_SIZE_BYTES);
  __asm__ volatile("sfence.vma" : : : "memory");
}

/* Swaps the frames of two pages. */
static void remap(struct space *space, u64 page) {
  u64 other = page ^ 1;
  u64 *leaf = space->leaves[page / PTE_ENTRIES];
  u64 entry = leaf[page % PTE_ENTRIES];
  leaf[page % PTE_ENTRIES] = leaf[other % PTE_ENTRIES];
  leaf[other % PTE_ENTRIES] = entry;
  __asm__ volatile("sfence.vma %0" : : "r"(WINDOW + page * PAGE_SIZE_BYTES) : "memory");
  __asm__ volatile("sfence.vma %0" : : "r"(WINDOW + other * PAGE_SIZE_BYTES) : "memory");
}

static void work(void) {
  u64 random = 3;
  u64 checksum = 0;
  enter(&spaces[0]);
  for (u64 step = 0; step < steps; step++) {
    if (step % STEPS_PER_SWITCH == 0) enter(&spaces[step / STEPS_PER_SWITCH % SPACES]);
    u64 page = random_next(&random) % PAGES;
    if (step % STEPS_PER_REMAP == 0) remap(&spaces[step / STEPS_PER_SWITCH % SPACES], page);
    volatile u64 *words = (volatile u64 *)(WINDOW + page * PAGE_SIZE_BYTES);
    for (u32 i = 0; i < WORDS_PER_STEP; i++) {
      u32 at = (u32)(step * 8 + i * 3) % (PAGE_SIZE_BYTES / 8);
      words[at] += step;
      checksum = mix(checksum, words[at]);
    }
  }
  result = checksum;
  CSR_WRITE(satp, 0);
}

u64 bench(u64 iterations) {
  make_space(&spaces[0], 1);
  make_space(&spaces[1], 12289);
  steps = iterations * STEPS_PER_REMAP;
  supervisor_run(work);
  return result;
}
