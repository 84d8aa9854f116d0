/*
 * The scheduler: ready processes in one queue, each for at most one tick. The kernel itself is not preempted, only interrupted: a
 * process gives up the processor when it sleeps, yields, exits, or returns to user mode after its turn.
 */
#include "process.h"

struct process *current;

static struct queue ready;
static struct queue sleepers; /* until some tick */
static u64 ticks;
static u64 ticks_period; /* of the timer, per tick */
static u64 next_tick;
static bool turn_over;

static void enqueue(struct queue *queue, struct process *process) {
  process->next = NULL;
  if (queue->first == NULL) queue->first = process;
  else queue->last->next = process;
  queue->last = process;
}

static struct process *dequeue(struct queue *queue) {
  struct process *process = queue->first;
  if (process != NULL) queue->first = process->next;
  return process;
}

void make_ready(struct process *process) {
  u64 saved = platform.cpu.irq_save();
  process->state = PROCESS_READY;
  enqueue(&ready, process);
  platform.cpu.irq_restore(saved);
}

/* Goes on with the next ready process. With interrupts masked, as whoever calls for the next process finds them. */
static void schedule(void) {
  struct process *before = current;
  struct process *next;
  while ((next = dequeue(&ready)) == NULL) platform.cpu.idle();
  turn_over = false;
  next->state = PROCESS_RUNNING;
  if (next == before) return;
  current = next;
  platform.mmu.activate(next->space.root);
  switch_stacks(&before->stack_pointer, next->stack_pointer);
}

void schedule_start(void) {
  u64 unused;
  platform.cpu.irq_disable();
  current = dequeue(&ready);
  current->state = PROCESS_RUNNING;
  platform.mmu.activate(current->space.root);
  switch_stacks(&unused, current->stack_pointer);
  __builtin_unreachable();
}

void yield(void) {
  u64 saved = platform.cpu.irq_save();
  make_ready(current);
  schedule();
  platform.cpu.irq_restore(saved);
}

void sleep_on(struct queue *queue) {
  u64 saved = platform.cpu.irq_save();
  current->state = PROCESS_WAITING;
  enqueue(queue, current);
  schedule();
  platform.cpu.irq_restore(saved);
}

void wake_all(struct queue *queue) {
  u64 saved = platform.cpu.irq_save();
  for (struct process *process; (process = dequeue(queue)) != NULL;) make_ready(process);
  platform.cpu.irq_restore(saved);
}

void schedule_away(void) {
  platform.cpu.irq_disable();
  schedule();
  __builtin_unreachable();
}

bool turn_is_over(void) { return turn_over; }

void lock_take(struct lock *lock) {
  while (lock->held) sleep_on(&lock->waiting);
  lock->held = true;
}

void lock_release(struct lock *lock) {
  lock->held = false;
  wake_all(&lock->waiting);
}

void sleep_ticks(u64 count) {
  u64 saved = platform.cpu.irq_save();
  u64 until = ticks + count;
  while (ticks < until) sleep_on(&sleepers);
  platform.cpu.irq_restore(saved);
}

void timer_interrupt(void) {
  ticks++;
  turn_over = true;
  next_tick += ticks_period;
  u64 now = platform.timer.now();
  if (next_tick <= now) next_tick = now + ticks_period; /* ticks that nobody had time for are left out */
  platform.timer.set_deadline(next_tick);
  wake_all(&sleepers);
}

void timer_start(void) {
  ticks_period = board.timebase_hz / TICKS_PER_SECOND;
  next_tick = platform.timer.now() + ticks_period;
  platform.timer.set_deadline(next_tick);
}
