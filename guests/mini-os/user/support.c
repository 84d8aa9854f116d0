/* System calls that must succeed. */
#include "user.h"

void *map_pages(u64 length_bytes) {
  i64 start = system_call(SYS_MMAP, length_bytes, 0, 0);
  require(start > 0, "there is room for a mapping");
  return (void *)start;
}

void unmap_pages(void *start, u64 length_bytes) {
  require(system_call(SYS_MUNMAP, (u64)start, length_bytes, 0) == 0, "a mapping can be removed");
}

void read_all(i32 end, void *to, u64 length_bytes) {
  for (u64 done = 0; done < length_bytes;) {
    i64 count = sys_read(end, (u8 *)to + done, length_bytes - done);
    require(count > 0, "a pipe gives all that was written");
    done += (u64)count;
  }
}

void write_all(i32 end, const void *from, u64 length_bytes) {
  require(sys_write(end, from, length_bytes) == (i64)length_bytes, "a pipe takes all that is written");
}
