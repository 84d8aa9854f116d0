/* One formatted line at a time, in a buffer on the stack, so that a console is given whole lines. */
#include "print.h"

#define LINE_BYTES 160

struct line {
  char text[LINE_BYTES];
  u64 length;
};

static void put(struct line *line, char c) {
  if (line->length < LINE_BYTES) line->text[line->length++] = c;
}

static void put_number(struct line *line, u64 value, u64 base) {
  char digits[20];
  u32 count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  while (count > 0) put(line, digits[--count]);
}

void print(const char *format, ...) {
  struct line line = {.length = 0};
  __builtin_va_list args;
  __builtin_va_start(args, format);
  for (; *format != 0; format++) {
    if (*format != '%') {
      put(&line, *format);
      continue;
    }
    switch (*++format) {
      case 's':
        for (const char *text = __builtin_va_arg(args, const char *); *text != 0; text++) put(&line, *text);
        break;
      case 'u':
        put_number(&line, __builtin_va_arg(args, u64), 10);
        break;
      case 'x':
        put_number(&line, __builtin_va_arg(args, u64), 16);
        break;
      default:
        put(&line, '%');
    }
  }
  __builtin_va_end(args);
  console_write(line.text, line.length);
}
