/*
 * What the chapters of the tour share: the board, the check, traps and the console.
 */
#ifndef RING_TOUR_H
#define RING_TOUR_H

#include "base.h"
#include "fdt.h"
#include "print.h"
#include "sbi.h"
#include "virtio.h"

extern struct board board;
extern u64 boot_hart;

/* Ends the tour as failed if `condition` is false. The text says what should have held. */
#define check(condition, text) \
  do {                         \
    if (!(condition)) fail(text, __LINE__); \
  } while (0)
void fail(const char *text, u64 line) __attribute__((noreturn));
void power_off(u64 reason) __attribute__((noreturn));

/* traps.c */
struct trap {
  u64 cause; /* NO_TRAP: none came */
  u64 epc;
  u64 tval;
};
#define NO_TRAP (~0ul)
/* Runs `action(argument)` and answers the exception that it raised: the instruction is skipped, a failed fetch returns to the caller. */
struct trap trap_of(void (*action)(u64), u64 argument);
void interrupts_start(void);
/* Waits with `wfi` until `done(argument)`; interrupts are taken between looks. Fails when the watchdog runs out. */
void wait_until(bool (*done)(const void *), const void *argument);
/* Fails the tour unless it is moved or stopped within so many seconds of guest time. 0 stops it. */
void watchdog(u64 seconds);
void interrupt_route(struct virtio_device *device);
extern volatile u64 soft_interrupts;
extern volatile u64 timer_interrupts;

/* console.c */
bool console_start(const struct board_slot *slot);
void console_flush(void);
/* Reads one line without its end, at most `size - 1` bytes. Needs `console_start`. */
void console_read_line(char *line, u64 size);
/* Everything printed from now on goes to the firmware's console: for failures. */
void console_fall_back(void);

/* chapters */
void chapter_sbi(void);
void chapter_traps(void);
void chapter_paging(void);
void chapter_timer(void);
void chapter_harts(void);
void chapter_entropy(const struct board_slot *slot);
void chapter_block(const struct board_slot *slot);

/* start.S */
u64 user_run(u64 entry, u64 argument);
void second_hart_entry(void);
/* harts.c, called by start.S */
void second_hart_main(u64 hart);

#endif
