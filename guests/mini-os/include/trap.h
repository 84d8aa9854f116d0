/*
 * Where the platform's entry code calls the kernel: with interrupts masked, on the kernel stack of the current process.
 */
#ifndef MINI_OS_TRAP_H
#define MINI_OS_TRAP_H

#include "platform.h"

/* A system call, a page fault, or what the program or the kernel did wrong. */
void trap_exception(struct trap_frame *frame);
/* Serves every line that waits. (For timer interrupts see `timer_interrupt` in process.h.) */
void device_interrupt(void);
/* Serves one line. */
void line_interrupt(u32 line);
/* The last call before the frame of a process is loaded again: switches if its turn is over. */
void trap_leave_to_user(void);

/* interrupt.c: `serve` is called for each interrupt of the line. */
void interrupt_route(u32 line, void (*serve)(void));

/* syscall.c */
i64 system_call(u64 number, const u64 arguments[3]);

/* main.c */
void power_off(bool success) __attribute__((noreturn));
void panic(const char *text, u64 value) __attribute__((noreturn));

#endif
