/*
 * What workloads have: system calls, output, checks, and a checksum that does not depend on time or scheduling.
 */
#ifndef MINI_OS_USER_H
#define MINI_OS_USER_H

#include "base.h"
#include "print.h"
#include "syscall.h"

/* Each answers its checksum. */
u32 workload_syscall(u64 iterations);
u32 workload_ctxsw(u64 iterations);
u32 workload_fork(u64 iterations);
u32 workload_mmap(u64 iterations);
u32 workload_pagefault(u64 iterations);
u32 workload_tick(u64 iterations);
u32 workload_pipe(u64 iterations);
u32 workload_console(u64 iterations);
u32 workload_disk_read(u64 iterations);
u32 workload_disk_write(u64 iterations);
u32 workload_net_rr(u64 iterations);
u32 workload_net_stream(u64 iterations);
u32 workload_compute(u64 iterations);
u32 workload_mix(u64 iterations);

static inline i64 system_call(u64 number, u64 argument0, u64 argument1, u64 argument2) {
  register u64 a0 __asm__("a0") = argument0;
  register u64 a1 __asm__("a1") = argument1;
  register u64 a2 __asm__("a2") = argument2;
  register u64 a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
  return (i64)a0;
}

static inline i64 sys_fork(void) { return system_call(SYS_FORK, 0, 0, 0); }
static inline i64 sys_wait(i32 *status) { return system_call(SYS_WAIT, (u64)status, 0, 0); }
static inline i64 sys_getpid(void) { return system_call(SYS_GETPID, 0, 0, 0); }
static inline i64 sys_sleep(u64 ticks) { return system_call(SYS_SLEEP, ticks, 0, 0); }
static inline i64 sys_pipe(i32 ends[2]) { return system_call(SYS_PIPE, (u64)ends, 0, 0); }
static inline i64 sys_close(i32 end) { return system_call(SYS_CLOSE, (u64)end, 0, 0); }
static inline i64 sys_read(i32 end, void *to, u64 length) { return system_call(SYS_READ, (u64)end, (u64)to, length); }
static inline i64 sys_write(i32 end, const void *from, u64 length) {
  return system_call(SYS_WRITE, (u64)end, (u64)from, length);
}
static inline void sys_exit(i32 status) { system_call(SYS_EXIT, (u64)status, 0, 0); }

/* Ends the program as failed if `condition` is false. The text says what should have held. */
#define require(condition, text) \
  do {                           \
    if (!(condition)) fail(text); \
  } while (0)
void fail(const char *text) __attribute__((noreturn));

/* Of zeroed pages. */
void *map_pages(u64 length_bytes);
void unmap_pages(void *start, u64 length_bytes);
/* Reads or writes exactly so much. */
void read_all(i32 end, void *to, u64 length_bytes);
void write_all(i32 end, const void *from, u64 length_bytes);

#define CHECKSUM_START 0x811c9dc5u

/* Takes a number into a checksum: FNV-1a by 32-bit words. */
static inline u32 checksum_add(u32 checksum, u64 value) {
  checksum = (checksum ^ (u32)value) * 0x01000193u;
  return (checksum ^ (u32)(value >> 32)) * 0x01000193u;
}

static inline u32 checksum_words(u32 checksum, const u64 *words, u64 count) {
  for (u64 i = 0; i < count; i++) checksum = checksum_add(checksum, words[i]);
  return checksum;
}

/* Numbers that look random, by index (the finalizer of splitmix64). */
static inline u64 scramble(u64 index) {
  u64 z = (index + 1) * 0x9e3779b97f4a7c15ul;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
  z = (z ^ z >> 27) * 0x94d049bb133111ebul;
  return z ^ z >> 31;
}

#endif
