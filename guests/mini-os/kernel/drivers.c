/*
 * The choice of drivers: `drivers=NAME,NAME` in the boot arguments names those to try first, where a board has several devices of a
 * kind; else the platform's order counts.
 */
#include "arguments.h"
#include "platform.h"

static bool is_named(const char *names, const char *name) {
  u64 length = strlen(name);
  for (const char *at = names; at != NULL && *at != 0 && *at != ' '; at++) {
    u64 match = 0;
    while (match < length && at[match] == name[match]) match++;
    char end = at[match];
    bool is_start = at == names || at[-1] == ',';
    if (is_start && match == length && (end == 0 || end == ' ' || end == ',')) return true;
  }
  return false;
}

const struct driver *driver_start(const struct driver *const *list) {
  const char *named = argument_value(board.bootargs, "drivers");
  for (u32 others = 0; others < 2; others++) {
    for (const struct driver *const *at = list; *at != NULL; at++) {
      if (is_named(named, (*at)->name) == (others == 0) && (*at)->start()) return *at;
    }
  }
  return NULL;
}
