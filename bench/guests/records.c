/*
 * Records, strings and calls, as business programs of old have them: accounts in a table are copied, compared by name, moved
 * between lists and changed through pointers, by many small functions that are really called.
 */
#include "bench.h"

#define ACCOUNTS 64
#define NAME_BYTES 32
#define CALLED __attribute__((noinline))

enum kind { KIND_OPEN, KIND_HELD, KIND_CLOSED };

struct account {
  struct account *next;
  enum kind kind;
  i32 balance;
  char name[NAME_BYTES];
  u16 history[8];
};

const char bench_name[] = "records";

static struct account accounts[ACCOUNTS];
static struct account *lists[3];
static i32 totals[4][16];

static CALLED char *copy_text(char *to, const char *from) {
  char *start = to;
  while ((*to++ = *from++) != 0) continue;
  return start;
}

static CALLED i32 compare_text(const char *left, const char *right) {
  while (*left != 0 && *left == *right) {
    left++;
    right++;
  }
  return (u8)*left - (u8)*right;
}

static CALLED void name_account(struct account *account, u32 number) {
  copy_text(account->name, "an account with the number ....");
  for (u32 at = NAME_BYTES - 2; at > NAME_BYTES - 6; at--, number /= 10) account->name[at] = (char)('0' + number % 10);
}

static CALLED void put_into(struct account **list, struct account *account) {
  account->next = *list;
  *list = account;
}

static CALLED struct account *take_from(struct account **list) {
  struct account *first = *list;
  if (first != NULL) *list = first->next;
  return first;
}

static CALLED enum kind kind_after(enum kind kind, i32 balance) {
  switch (kind) {
    case KIND_OPEN:
      return balance < 0 ? KIND_HELD : KIND_OPEN;
    case KIND_HELD:
      return balance < -5000 ? KIND_CLOSED : balance > 0 ? KIND_OPEN : KIND_HELD;
    default:
      return balance == 0 ? KIND_OPEN : KIND_CLOSED;
  }
}

static CALLED void book(struct account *account, i32 amount) {
  account->balance += amount;
  account->history[(u32)amount % ARRAY_LENGTH(account->history)] = (u16)account->balance;
  totals[account->kind][(u32)amount % 16] += amount;
}

static CALLED const struct account *find(const char *name) {
  for (u32 list = 0; list < ARRAY_LENGTH(lists); list++) {
    for (const struct account *at = lists[list]; at != NULL; at = at->next) {
      if (compare_text(at->name + NAME_BYTES - 6, name + NAME_BYTES - 6) == 0) return at;
    }
  }
  return NULL;
}

static CALLED void one_day(u32 day) {
  for (u32 list = 0; list < ARRAY_LENGTH(lists); list++) {
    struct account *moved = take_from(&lists[list]);
    if (moved == NULL) continue;
    struct account before = *moved;
    book(moved, (i32)(day * 37 % 4001) - 2000);
    moved->kind = kind_after(before.kind, moved->balance);
    if (moved->kind == KIND_CLOSED && before.kind == KIND_CLOSED) moved->balance = 0;
    put_into(&lists[moved->kind], moved);
    if (compare_text(before.name, moved->name) != 0) name_account(moved, day);
  }
}

u64 bench(u64 iterations) {
  u64 checksum = 1;
  for (u32 i = 0; i < ACCOUNTS; i++) {
    name_account(&accounts[i], i);
    put_into(&lists[i % 2], &accounts[i]);
  }
  for (u64 day = 0; day < iterations; day++) {
    one_day((u32)day);
    struct account wanted;
    name_account(&wanted, (u32)(day % (ACCOUNTS / 8)));
    const struct account *found = find(wanted.name);
    checksum = mix(checksum, found == NULL ? 0 : (u64)found->balance);
  }
  for (u32 i = 0; i < 16; i++) checksum = mix(checksum, (u64)totals[i % 4][i]);
  return checksum;
}
