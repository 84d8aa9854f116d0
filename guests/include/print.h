/*
 * Formatted output to whichever console is up. A guest defines `console_write`.
 */
#ifndef GUEST_PRINT_H
#define GUEST_PRINT_H

#include "base.h"

void console_write(const char *text, u64 lengthBytes);

/* Formats: %s text, %u u64 in decimal, %x u64 in hex, %%. A line longer than 159 bytes is cut. */
void print(const char *format, ...);

#endif
