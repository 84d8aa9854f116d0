/*
 * The address space of a process: one gigabyte, the second entry of the root table. All else is the kernel's.
 */
#ifndef MINI_OS_LAYOUT_H
#define MINI_OS_LAYOUT_H

#define USER_BASE 0x40000000ul
#define USER_MAPPINGS 0x50000000ul /* where mmap looks for room */
#define USER_MAPPINGS_END 0x70000000ul
#define USER_STACK_BASE 0x7fff0000ul
#define USER_STACK_TOP 0x80000000ul
#define USER_END 0x80000000ul

/* The user program is linked at USER_BASE; this header is at its start. All addresses but `entry` are whole pages. */
#ifndef __ASSEMBLER__
struct user_header {
  unsigned long entry;
  unsigned long data; /* end of what is read-only */
  unsigned long file_end; /* end of what is in the image */
  unsigned long memory_end;
};
#endif

#endif
