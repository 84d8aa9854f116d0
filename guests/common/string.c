/* The functions that the compiler may call by itself. */
#include "base.h"

void *memcpy(void *to, const void *from, u64 lengthBytes) {
  u8 *target = to;
  const u8 *source = from;
  for (u64 i = 0; i < lengthBytes; i++) target[i] = source[i];
  return to;
}

void *memset(void *to, int value, u64 lengthBytes) {
  u8 *target = to;
  for (u64 i = 0; i < lengthBytes; i++) target[i] = (u8)value;
  return to;
}

int memcmp(const void *left, const void *right, u64 lengthBytes) {
  const u8 *a = left;
  const u8 *b = right;
  for (u64 i = 0; i < lengthBytes; i++) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

u64 strlen(const char *text) {
  u64 length = 0;
  while (text[length] != 0) length++;
  return length;
}
