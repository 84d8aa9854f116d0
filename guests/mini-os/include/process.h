/*
 * Processes, the scheduler, and waiting.
 */
#ifndef MINI_OS_PROCESS_H
#define MINI_OS_PROCESS_H

#include "memory.h"
#include "platform.h"

#define PROCESSES_MAX 32
#define DESCRIPTORS_MAX 8
#define TICKS_PER_SECOND 250
#define EXIT_KILLED 255

enum process_state { PROCESS_UNUSED, PROCESS_READY, PROCESS_RUNNING, PROCESS_WAITING, PROCESS_EXITED };

struct process;

/* First in, first out. Shared with interrupts: touched with interrupts masked only. */
struct queue {
  struct process *first;
  struct process *last;
};

enum descriptor_kind { DESCRIPTOR_FREE, DESCRIPTOR_TO_CONSOLE, DESCRIPTOR_PIPE_READ, DESCRIPTOR_PIPE_WRITE };

struct descriptor {
  enum descriptor_kind kind;
  struct pipe *pipe;
};

struct process {
  enum process_state state;
  u64 id; /* never used twice */
  struct process *parent;
  struct process *next; /* in the queue that it stands in */
  u64 stack_pointer; /* in the kernel, while it does not run */
  u8 *stack; /* one page; the trap frame from user mode is at its top */
  i64 status; /* once exited */
  struct queue children; /* waited on by itself, until a child exits */
  struct space space;
  struct descriptor descriptors[DESCRIPTORS_MAX];
};

extern struct process *current;

static inline struct trap_frame *process_frame(const struct process *process) {
  return (struct trap_frame *)(process->stack + PAGE_SIZE_BYTES) - 1;
}

/* process.c */
/* Makes the first process from the linked-in user program, with `arguments` on its stack. */
void process_start_first(const char *arguments);
i64 process_fork(void);
void process_exit(i64 status) __attribute__((noreturn));
/* Answers the id of an exited child and frees it. */
i64 process_wait(i64 *status);

/* schedule.c */
/* Runs the first process; never returns. */
void schedule_start(void) __attribute__((noreturn));
void make_ready(struct process *process);
/* Lets others run first. */
void yield(void);
/* Waits for a `wake_all` of the queue. What is waited for is looked at again with interrupts masked, if they bring it about. */
void sleep_on(struct queue *queue);
void wake_all(struct queue *queue);
/* The last act of a process that has exited. */
void schedule_away(void) __attribute__((noreturn));
/* Whether the turn of the current process is over. */
bool turn_is_over(void);
void sleep_ticks(u64 ticks);

/* One process at a time, for work in which it sleeps. */
struct lock {
  bool held;
  struct queue waiting;
};
void lock_take(struct lock *lock);
void lock_release(struct lock *lock);

/* Called by the platform, with interrupts masked, when a deadline has passed. */
void timer_interrupt(void);
void timer_start(void);

/* switch.S: saves what a C function keeps on this stack, and goes on where `to` was saved. */
void switch_stacks(u64 *from, u64 to);

#endif
