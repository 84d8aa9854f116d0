/*
 * Descriptors of a process: the console, and the two ends of pipes. Pipes are used by processes only, never by interrupts, and the
 * kernel is not preempted: nothing here needs masking.
 */
#include "pipe.h"

#include "print.h"
#include "syscall.h"

#define PIPE_BYTES 2048u /* a power of two */
#define CONSOLE_PART_BYTES 128

/* In a page of its own. The ring holds bytes `taken` to `added`, modulo its size. */
struct pipe {
  u32 taken;
  u32 added;
  u32 readers;
  u32 writers;
  struct queue waiting;
  u8 ring[PIPE_BYTES];
};

static i64 free_descriptor(void) {
  for (u64 i = 0; i < DESCRIPTORS_MAX; i++) {
    if (current->descriptors[i].kind == DESCRIPTOR_FREE) return (i64)i;
  }
  return ERROR_BAD_DESCRIPTOR;
}

static struct descriptor *descriptor_of(u64 number, enum descriptor_kind kind) {
  if (number >= DESCRIPTORS_MAX || current->descriptors[number].kind != kind) return NULL;
  return &current->descriptors[number];
}

static void close(struct descriptor *descriptor) {
  enum descriptor_kind kind = descriptor->kind;
  struct pipe *pipe = descriptor->pipe;
  descriptor->kind = DESCRIPTOR_FREE;
  if (kind == DESCRIPTOR_PIPE_READ) pipe->readers--;
  else if (kind == DESCRIPTOR_PIPE_WRITE) pipe->writers--;
  else return;
  if (pipe->readers + pipe->writers == 0) page_put(pipe);
  else wake_all(&pipe->waiting);
}

i64 pipe_open(u64 user_descriptors) {
  struct pipe *pipe = page_get_zeroed();
  if (pipe == NULL) return ERROR_NO_MEMORY;
  pipe->readers = 1;
  pipe->writers = 1;
  i64 read_end = free_descriptor();
  if (read_end >= 0) current->descriptors[read_end] = (struct descriptor){DESCRIPTOR_PIPE_READ, pipe};
  i64 write_end = free_descriptor();
  i32 ends[2] = {(i32)read_end, (i32)write_end};
  if (write_end >= 0 && copy_to_user(user_descriptors, ends, sizeof ends)) {
    current->descriptors[write_end] = (struct descriptor){DESCRIPTOR_PIPE_WRITE, pipe};
    return 0;
  }
  if (read_end >= 0) current->descriptors[read_end].kind = DESCRIPTOR_FREE;
  page_put(pipe);
  return write_end < 0 ? ERROR_BAD_DESCRIPTOR : ERROR_BAD_ADDRESS;
}

static u32 least(u32 a, u32 b) { return a < b ? a : b; }

/* Bytes from `index` to the end of the ring's array. */
static u32 straight(u32 index) { return PIPE_BYTES - index % PIPE_BYTES; }

i64 descriptor_read(u64 number, u64 user_buffer, u64 length_bytes) {
  struct descriptor *descriptor = descriptor_of(number, DESCRIPTOR_PIPE_READ);
  if (descriptor == NULL) return ERROR_BAD_DESCRIPTOR;
  struct pipe *pipe = descriptor->pipe;
  while (pipe->added == pipe->taken) {
    if (pipe->writers == 0) return 0;
    sleep_on(&pipe->waiting);
  }
  u64 done = 0;
  while (done < length_bytes && pipe->taken != pipe->added) {
    u32 part = least(pipe->added - pipe->taken, straight(pipe->taken));
    if (part > length_bytes - done) part = (u32)(length_bytes - done);
    if (!copy_to_user(user_buffer + done, &pipe->ring[pipe->taken % PIPE_BYTES], part)) return ERROR_BAD_ADDRESS;
    pipe->taken += part;
    done += part;
  }
  wake_all(&pipe->waiting);
  return (i64)done;
}

static i64 pipe_write(struct pipe *pipe, u64 user_buffer, u64 length_bytes) {
  for (u64 done = 0; done < length_bytes;) {
    if (pipe->readers == 0) return ERROR_NO_READER;
    u32 part = least(PIPE_BYTES - (pipe->added - pipe->taken), straight(pipe->added));
    if (part == 0) {
      sleep_on(&pipe->waiting);
      continue;
    }
    if (part > length_bytes - done) part = (u32)(length_bytes - done);
    if (!copy_from_user(&pipe->ring[pipe->added % PIPE_BYTES], user_buffer + done, part)) return ERROR_BAD_ADDRESS;
    pipe->added += part;
    done += part;
    wake_all(&pipe->waiting);
  }
  return (i64)length_bytes;
}

static i64 write_console(u64 user_buffer, u64 length_bytes) {
  char part[CONSOLE_PART_BYTES];
  for (u64 done = 0; done < length_bytes;) {
    u64 count = length_bytes - done < sizeof part ? length_bytes - done : sizeof part;
    if (!copy_from_user(part, user_buffer + done, count)) return ERROR_BAD_ADDRESS;
    console_write(part, count);
    done += count;
  }
  return (i64)length_bytes;
}

i64 descriptor_write(u64 number, u64 user_buffer, u64 length_bytes) {
  struct descriptor *descriptor = descriptor_of(number, DESCRIPTOR_PIPE_WRITE);
  if (descriptor != NULL) return pipe_write(descriptor->pipe, user_buffer, length_bytes);
  if (descriptor_of(number, DESCRIPTOR_TO_CONSOLE) != NULL) return write_console(user_buffer, length_bytes);
  return ERROR_BAD_DESCRIPTOR;
}

i64 descriptor_close(u64 number) {
  if (number >= DESCRIPTORS_MAX || current->descriptors[number].kind == DESCRIPTOR_FREE) return ERROR_BAD_DESCRIPTOR;
  close(&current->descriptors[number]);
  return 0;
}

void descriptors_share(struct process *child, const struct process *parent) {
  for (u32 i = 0; i < DESCRIPTORS_MAX; i++) {
    child->descriptors[i] = parent->descriptors[i];
    if (child->descriptors[i].kind == DESCRIPTOR_PIPE_READ) child->descriptors[i].pipe->readers++;
    if (child->descriptors[i].kind == DESCRIPTOR_PIPE_WRITE) child->descriptors[i].pipe->writers++;
  }
}

void descriptors_close(struct process *process) {
  for (u32 i = 0; i < DESCRIPTORS_MAX; i++) close(&process->descriptors[i]);
}
