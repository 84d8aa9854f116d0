/* Workloads around processes: system calls, switches, fork, pipes, time. */
#include "user.h"

#define BLOCK_WORDS 512
#define PRIVATE_PAGES 8

/* A null system call. */
u32 workload_syscall(u64 iterations) {
  u32 checksum = CHECKSUM_START;
  for (u64 i = 0; i < iterations; i++) checksum = checksum_add(checksum, i ^ (u64)sys_getpid());
  return checksum;
}

struct channel {
  i32 read_end;
  i32 write_end;
};

static struct channel open_channel(void) {
  i32 ends[2];
  require(sys_pipe(ends) == 0, "a pipe can be made");
  return (struct channel){ends[0], ends[1]};
}

static void close_channel(struct channel channel) {
  sys_close(channel.read_end);
  sys_close(channel.write_end);
}

static i32 wait_for_child(void) {
  i32 status;
  require(sys_wait(&status) > 0, "a child exits");
  return status;
}

/* A token goes to another process and back: two switches, and a switch of address spaces with each. */
u32 workload_ctxsw(u64 iterations) {
  struct channel there = open_channel();
  struct channel back = open_channel();
  i64 child = sys_fork();
  require(child >= 0, "fork succeeds");
  if (child == 0) {
    for (u64 i = 0; i < iterations; i++) {
      u64 token;
      read_all(there.read_end, &token, sizeof token);
      token = scramble(token);
      write_all(back.write_end, &token, sizeof token);
    }
    sys_exit(0);
  }
  u32 checksum = CHECKSUM_START;
  for (u64 i = 0; i < iterations; i++) {
    u64 token = i;
    write_all(there.write_end, &token, sizeof token);
    read_all(back.read_end, &token, sizeof token);
    checksum = checksum_add(checksum, token);
  }
  require(wait_for_child() == 0, "the child ends well");
  close_channel(there);
  close_channel(back);
  return checksum;
}

/* Fork, writes to shared pages on both sides, exit, wait. */
u32 workload_fork(u64 iterations) {
  u64 *data = map_pages(PRIVATE_PAGES * PAGE_SIZE_BYTES);
  const u64 stride = PAGE_SIZE_BYTES / sizeof *data;
  u32 checksum = CHECKSUM_START;
  for (u64 i = 0; i < iterations; i++) {
    for (u64 page = 0; page < PRIVATE_PAGES; page++) data[page * stride] = scramble(i + page);
    i64 child = sys_fork();
    require(child >= 0, "fork succeeds");
    if (child == 0) {
      u64 sum = 0;
      for (u64 page = 0; page < PRIVATE_PAGES; page++) {
        sum += data[page * stride];
        data[page * stride] = ~0ul; /* seen by nobody else */
      }
      sys_exit((i32)(sum & 0x7fffffff));
    }
    checksum = checksum_add(checksum, (u64)wait_for_child());
  }
  unmap_pages(data, PRIVATE_PAGES * PAGE_SIZE_BYTES);
  return checksum;
}

/* Blocks of 4 KiB from one process to another. */
u32 workload_pipe(u64 iterations) {
  static u64 block[BLOCK_WORDS];
  struct channel channel = open_channel();
  i64 child = sys_fork();
  require(child >= 0, "fork succeeds");
  if (child == 0) {
    for (u64 i = 0; i < iterations; i++) {
      for (u64 word = 0; word < BLOCK_WORDS; word++) block[word] = i * BLOCK_WORDS + word;
      write_all(channel.write_end, block, sizeof block);
    }
    sys_exit(0);
  }
  sys_close(channel.write_end);
  u32 checksum = CHECKSUM_START;
  for (u64 i = 0; i < iterations; i++) {
    read_all(channel.read_end, block, sizeof block);
    checksum = checksum_words(checksum, block, BLOCK_WORDS);
  }
  require(sys_read(channel.read_end, block, 1) == 0, "the pipe ends when its writer has exited");
  require(wait_for_child() == 0, "the child ends well");
  sys_close(channel.read_end);
  return checksum;
}

/* Sleeps until the next timer tick. */
u32 workload_tick(u64 iterations) {
  u32 checksum = CHECKSUM_START;
  for (u64 i = 0; i < iterations; i++) {
    require(sys_sleep(1) == 0, "a sleep ends");
    checksum = checksum_add(checksum, scramble(i));
  }
  return checksum;
}

/* One part of the mix in a process of its own. */
static void start_part(u32 (*part)(u64), u64 iterations, u64 index, i32 results) {
  i64 child = sys_fork();
  require(child >= 0, "fork succeeds");
  if (child > 0) return;
  u64 result[2] = {index, part(iterations)};
  write_all(results, result, sizeof result);
  sys_exit(0);
}

/* Processes that compute, fault, fork, talk and read the disk at the same time. Results count by part, whichever is first. */
u32 workload_mix(u64 iterations) {
  static u32 (*const parts[])(u64) = {
      workload_compute, workload_mmap, workload_fork, workload_pipe, workload_ctxsw, workload_disk_read,
  };
  u64 sums[ARRAY_LENGTH(parts)];
  struct channel results = open_channel();
  for (u64 i = 0; i < ARRAY_LENGTH(parts); i++) start_part(parts[i], iterations, i, results.write_end);
  for (u64 i = 0; i < ARRAY_LENGTH(parts); i++) {
    u64 result[2];
    read_all(results.read_end, result, sizeof result);
    require(result[0] < ARRAY_LENGTH(parts), "a result is of one of the parts");
    sums[result[0]] = result[1];
  }
  for (u64 i = 0; i < ARRAY_LENGTH(parts); i++) require(wait_for_child() == 0, "each part ends well");
  close_channel(results);
  return checksum_words(CHECKSUM_START, sums, ARRAY_LENGTH(parts));
}
