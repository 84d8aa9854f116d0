/*
 * Between kernel and process, page by page through the kernel's own view of memory: nothing here can fault, and user pages stay
 * out of the kernel's reach otherwise.
 */
#include "process.h"

static u64 within_page(u64 va, u64 length_bytes) {
  u64 room = PAGE_SIZE_BYTES - va % PAGE_SIZE_BYTES;
  return length_bytes < room ? length_bytes : room;
}

bool copy_from_user(void *to, u64 from, u64 length_bytes) {
  for (u64 done = 0; done < length_bytes;) {
    u64 part = within_page(from + done, length_bytes - done);
    const void *source = space_byte(&current->space, from + done, ACCESS_READ);
    if (source == NULL) return false;
    memcpy((u8 *)to + done, source, part);
    done += part;
  }
  return true;
}

bool copy_to_user(u64 to, const void *from, u64 length_bytes) {
  for (u64 done = 0; done < length_bytes;) {
    u64 part = within_page(to + done, length_bytes - done);
    void *target = space_byte(&current->space, to + done, ACCESS_WRITE);
    if (target == NULL) return false;
    memcpy(target, (const u8 *)from + done, part);
    done += part;
  }
  return true;
}
