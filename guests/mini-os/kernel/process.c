/*
 * Processes: made by fork from the first one, which is made from the program that is linked into the kernel.
 */
#include "process.h"

#include "layout.h"
#include "pipe.h"
#include "syscall.h"
#include "trap.h"

#define FIRST_PROCESS (&processes[0])

/* What switch_stacks saves. */
struct switch_frame {
  u64 ra;
  u64 s[12];
  u64 padding;
};

extern const u8 user_program[];

static struct process processes[PROCESSES_MAX];
static u64 ids_given;

static void release(struct process *process) {
  page_put(process->stack);
  process->state = PROCESS_UNUSED;
}

/* A process with an empty address space, which goes to user mode when it first runs. */
static struct process *create(void) {
  for (u32 i = 0; i < PROCESSES_MAX; i++) {
    struct process *process = &processes[i];
    if (process->state != PROCESS_UNUSED) continue;
    *process = (struct process){.state = PROCESS_WAITING, .id = ++ids_given, .parent = current};
    process->stack = page_get_zeroed();
    if (process->stack == NULL) return NULL;
    if (!space_create(&process->space)) {
      release(process);
      return NULL;
    }
    struct switch_frame *frame = (struct switch_frame *)process_frame(process) - 1;
    frame->ra = (u64)platform.trap.enter_user;
    process->stack_pointer = (u64)frame;
    return process;
  }
  return NULL;
}

static bool add_program(struct space *space) {
  const struct user_header *header = (const struct user_header *)user_program;
  const struct region regions[] = {
      {USER_BASE, header->data, user_program, REGION_IMAGE, false},
      {header->data, header->file_end, user_program + (header->data - USER_BASE), REGION_IMAGE, true},
      {header->file_end, header->memory_end, NULL, REGION_ZERO, true},
      {USER_STACK_BASE, USER_STACK_TOP, NULL, REGION_ZERO, true},
  };
  for (u32 i = 0; i < ARRAY_LENGTH(regions); i++) {
    if (!space_add(space, regions[i])) return false;
  }
  return true;
}

void process_start_first(const char *arguments) {
  struct process *process = create();
  if (process == NULL || !add_program(&process->space)) panic("no room for the first process", 0);
  space_ready(&process->space);
  platform.mmu.activate(process->space.root);
  u64 length = strlen(arguments) + 1;
  u64 stack_pointer = (USER_STACK_TOP - length) & ~15ul;
  void *target = space_byte(&process->space, stack_pointer, ACCESS_WRITE);
  if (length > PAGE_SIZE_BYTES || target == NULL) panic("no room for the arguments", length);
  memcpy(target, arguments, length);
  struct trap_frame *frame = process_frame(process);
  platform.trap.make_user(frame, ((const struct user_header *)user_program)->entry, stack_pointer);
  frame->x[10] = stack_pointer;
  process->descriptors[DESCRIPTOR_CONSOLE].kind = DESCRIPTOR_TO_CONSOLE;
  make_ready(process);
}

i64 process_fork(void) {
  struct process *child = create();
  if (child == NULL) return ERROR_NO_MEMORY;
  if (!space_fork(&child->space, &current->space)) {
    space_destroy(&child->space);
    release(child);
    return ERROR_NO_MEMORY;
  }
  space_ready(&child->space);
  struct trap_frame *frame = process_frame(child);
  *frame = *process_frame(current);
  frame->x[10] = 0;
  descriptors_share(child, current);
  make_ready(child);
  return (i64)child->id;
}

void process_exit(i64 status) {
  if (current == FIRST_PROCESS) power_off(status == 0);
  descriptors_close(current);
  platform.mmu.activate(NULL);
  space_destroy(&current->space);
  for (u32 i = 0; i < PROCESSES_MAX; i++) {
    if (processes[i].parent == current) processes[i].parent = FIRST_PROCESS;
  }
  current->status = status;
  current->state = PROCESS_EXITED;
  wake_all(&current->parent->children);
  schedule_away();
}

i64 process_wait(i64 *status) {
  for (;;) {
    bool has_children = false;
    for (u32 i = 0; i < PROCESSES_MAX; i++) {
      struct process *child = &processes[i];
      if (child->state == PROCESS_UNUSED || child->parent != current) continue;
      has_children = true;
      if (child->state != PROCESS_EXITED) continue;
      *status = child->status;
      release(child);
      return (i64)child->id;
    }
    if (!has_children) return ERROR_NO_CHILD;
    sleep_on(&current->children);
  }
}
