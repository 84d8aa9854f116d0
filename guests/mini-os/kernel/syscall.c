/* The table of system calls. Each answers its result, or an error of syscall.h. */
#include "syscall.h"

#include "drivers.h"
#include "pipe.h"
#include "trap.h"

typedef i64 call(const u64 arguments[3]);

static i64 sys_exit(const u64 arguments[3]) { process_exit((i64)arguments[0]); }

static i64 sys_fork(const u64 arguments[3] __attribute__((unused))) { return process_fork(); }

static i64 sys_wait(const u64 arguments[3]) {
  i64 status;
  i64 id = process_wait(&status);
  i32 narrow = (i32)status;
  if (id < 0 || arguments[0] == 0) return id;
  return copy_to_user(arguments[0], &narrow, sizeof narrow) ? id : ERROR_BAD_ADDRESS;
}

static i64 sys_getpid(const u64 arguments[3] __attribute__((unused))) { return (i64)current->id; }

static i64 sys_yield(const u64 arguments[3] __attribute__((unused))) {
  yield();
  return 0;
}

static i64 sys_sleep(const u64 arguments[3]) {
  sleep_ticks(arguments[0]);
  return 0;
}

static i64 sys_mmap(const u64 arguments[3]) {
  u64 start = space_map(&current->space, arguments[0]);
  return start == 0 ? ERROR_NO_MEMORY : (i64)start;
}

static i64 sys_munmap(const u64 arguments[3]) {
  return space_unmap(&current->space, arguments[0], arguments[1]) ? 0 : ERROR_BAD_ARGUMENT;
}

static i64 sys_pipe(const u64 arguments[3]) { return pipe_open(arguments[0]); }

static i64 sys_close(const u64 arguments[3]) { return descriptor_close(arguments[0]); }

static i64 sys_read(const u64 arguments[3]) { return descriptor_read(arguments[0], arguments[1], arguments[2]); }

static i64 sys_write(const u64 arguments[3]) { return descriptor_write(arguments[0], arguments[1], arguments[2]); }

static i64 sys_disk_sectors(const u64 arguments[3] __attribute__((unused))) { return (i64)block_sectors(); }

static i64 sys_disk_read(const u64 arguments[3]) {
  return block_transfer(arguments[0], arguments[1], arguments[2], false);
}

static i64 sys_disk_write(const u64 arguments[3]) {
  return block_transfer(arguments[0], arguments[1], arguments[2], true);
}

static i64 sys_net_address(const u64 arguments[3]) { return net_address(arguments[0]); }

static i64 sys_net_send(const u64 arguments[3]) { return net_send(arguments[0], arguments[1]); }

static i64 sys_net_receive(const u64 arguments[3]) { return net_receive(arguments[0], arguments[1]); }

static i64 sys_shutdown(const u64 arguments[3]) { power_off(arguments[0] == 0); }

static call *const calls[SYS_COUNT] = {
    [SYS_EXIT] = sys_exit,
    [SYS_FORK] = sys_fork,
    [SYS_WAIT] = sys_wait,
    [SYS_GETPID] = sys_getpid,
    [SYS_YIELD] = sys_yield,
    [SYS_SLEEP] = sys_sleep,
    [SYS_MMAP] = sys_mmap,
    [SYS_MUNMAP] = sys_munmap,
    [SYS_PIPE] = sys_pipe,
    [SYS_CLOSE] = sys_close,
    [SYS_READ] = sys_read,
    [SYS_WRITE] = sys_write,
    [SYS_DISK_SECTORS] = sys_disk_sectors,
    [SYS_DISK_READ] = sys_disk_read,
    [SYS_DISK_WRITE] = sys_disk_write,
    [SYS_NET_ADDRESS] = sys_net_address,
    [SYS_NET_SEND] = sys_net_send,
    [SYS_NET_RECEIVE] = sys_net_receive,
    [SYS_SHUTDOWN] = sys_shutdown,
};

i64 system_call(u64 number, const u64 arguments[3]) {
  return number < SYS_COUNT ? calls[number](arguments) : ERROR_NO_CALL;
}
