/*
 * The first process: runs the workload that the boot arguments name, `workload=NAME iterations=N`, and shuts the machine down. The
 * last line that it prints is the same wherever the kernel runs.
 */
#include "arguments.h"
#include "user.h"

struct workload {
  const char *name;
  u32 (*run)(u64 iterations);
  u64 iterations; /* by default */
};

static const struct workload workloads[] = {
    {"syscall", workload_syscall, 40000},
    {"ctxsw", workload_ctxsw, 2000},
    {"fork", workload_fork, 200},
    {"mmap", workload_mmap, 400},
    {"pagefault", workload_pagefault, 4000},
    {"tick", workload_tick, 100},
    {"pipe", workload_pipe, 400},
    {"console", workload_console, 100},
    {"disk-read", workload_disk_read, 100},
    {"disk-write", workload_disk_write, 100},
    {"net-rr", workload_net_rr, 1000},
    {"net-stream", workload_net_stream, 1000},
    {"compute", workload_compute, 400},
    {"mix", workload_mix, 40},
};

static const char *running = "mini-os";

void console_write(const char *text, u64 length_bytes) { sys_write(DESCRIPTOR_CONSOLE, text, length_bytes); }

static void __attribute__((noreturn)) shut_down(u64 status) {
  system_call(SYS_SHUTDOWN, status, 0, 0);
  __builtin_unreachable();
}

void fail(const char *text) {
  print("%s: FAILED: %s\n", running, text);
  shut_down(1);
}

/* A number from 1 to 999,999,999; 0: it is something else. */
static u64 parse_count(const char *text) {
  u64 value = 0;
  u32 digits = 0;
  for (; *text >= '0' && *text <= '9' && digits < 9; text++, digits++) value = value * 10 + (u64)(*text - '0');
  return *text == 0 || *text == ' ' ? value : 0;
}

static const struct workload *find(const char *name) {
  for (u64 i = 0; i < ARRAY_LENGTH(workloads); i++) {
    if (argument_is(name, workloads[i].name)) return &workloads[i];
  }
  return NULL;
}

static void list(void) {
  print("mini-os: needs workload=NAME in the boot arguments; iterations=N is optional\n");
  for (u64 i = 0; i < ARRAY_LENGTH(workloads); i++) {
    print("  %s, %u iterations by default\n", workloads[i].name, workloads[i].iterations);
  }
}

static void print_result(u64 iterations, u32 checksum) {
  char digits[9] = "";
  for (u32 i = 0; i < 8; i++) digits[i] = "0123456789abcdef"[checksum >> (28 - 4 * i) & 15];
  print("%s: iterations %u checksum %s\n", running, iterations, digits);
}

void user_main(const char *arguments) {
  const struct workload *workload = find(argument_value(arguments, "workload"));
  const char *count = argument_value(arguments, "iterations");
  u64 iterations = count != NULL ? parse_count(count) : workload != NULL ? workload->iterations : 0;
  if (workload == NULL) {
    list();
    shut_down(1);
  }
  if (iterations == 0) fail("iterations is not a number from 1 to 999999999");
  running = workload->name;
  print_result(iterations, workload->run(iterations));
  shut_down(0);
}
