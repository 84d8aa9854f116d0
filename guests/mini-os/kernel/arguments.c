/* Boot arguments, for the kernel and for its program. */
#include "arguments.h"

static bool ends_word(char c) { return c == 0 || c == ' '; }

static bool starts_with(const char *text, const char *prefix) {
  for (; *prefix != 0; text++, prefix++) {
    if (*text != *prefix) return false;
  }
  return true;
}

const char *argument_value(const char *arguments, const char *key) {
  u64 length = strlen(key);
  for (const char *at = arguments; *at != 0; at++) {
    bool is_start = at == arguments || at[-1] == ' ';
    if (is_start && starts_with(at, key) && at[length] == '=') return at + length + 1;
  }
  return NULL;
}

bool argument_is(const char *value, const char *word) {
  return value != NULL && starts_with(value, word) && ends_word(value[strlen(word)]);
}
