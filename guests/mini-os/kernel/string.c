/* The functions that the compiler may call by itself, by whole words where both sides allow it. */
#include "base.h"

#define WORD_BYTES sizeof(u64)

static bool whole_words(u64 addresses_and_length) { return addresses_and_length % WORD_BYTES == 0; }

void *memcpy(void *to, const void *from, u64 lengthBytes) {
  u64 i = 0;
  if (whole_words((u64)to | (u64)from)) {
#pragma GCC unroll 8
    for (; i + WORD_BYTES <= lengthBytes; i += WORD_BYTES) *(u64 *)((u8 *)to + i) = *(const u64 *)((const u8 *)from + i);
  }
  for (; i < lengthBytes; i++) ((u8 *)to)[i] = ((const u8 *)from)[i];
  return to;
}

void *memset(void *to, int value, u64 lengthBytes) {
  u64 i = 0;
  if (whole_words((u64)to)) {
    u64 word = (u8)value * 0x0101010101010101ul;
#pragma GCC unroll 8
    for (; i + WORD_BYTES <= lengthBytes; i += WORD_BYTES) *(u64 *)((u8 *)to + i) = word;
  }
  for (; i < lengthBytes; i++) ((u8 *)to)[i] = (u8)value;
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
