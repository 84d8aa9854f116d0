/*
 * An integer workload of the kind that embedded benchmarks use: a linked list is searched, reversed and sorted, small matrices
 * are multiplied, a state machine reads numbers out of text, and a CRC ties all results together.
 */
#include "bench.h"

const char bench_name[] = "workload";

#define NODES 96
#define MATRIX 12

struct node {
  struct node *next;
  u16 key;
  u16 value;
};

static struct node nodes[NODES];
static short left[MATRIX][MATRIX];
static short right[MATRIX][MATRIX];
static i32 product[MATRIX][MATRIX];

static u32 crc_step(u32 crc, u32 value) {
  for (u32 bit = 0; bit < 16; bit++) {
    u32 out = (crc ^ value) & 1;
    crc >>= 1;
    value >>= 1;
    if (out) crc ^= 0xa001;
  }
  return crc;
}

static struct node *build_list(u32 seed) {
  for (u32 i = 0; i < NODES; i++) {
    seed = seed * 1103515245u + 12345u;
    nodes[i] = (struct node){i + 1 < NODES ? &nodes[i + 1] : NULL, (u16)(seed >> 16), (u16)i};
  }
  return nodes;
}

static struct node *reverse(struct node *list) {
  struct node *done = NULL;
  while (list != NULL) {
    struct node *next = list->next;
    list->next = done;
    done = list;
    list = next;
  }
  return done;
}

static struct node *merge(struct node *a, struct node *b) {
  struct node head;
  struct node *tail = &head;
  while (a != NULL && b != NULL) {
    struct node **smaller = a->key <= b->key ? &a : &b;
    tail->next = *smaller;
    tail = *smaller;
    *smaller = tail->next;
  }
  tail->next = a != NULL ? a : b;
  return head.next;
}

static struct node *sort(struct node *list) {
  if (list == NULL || list->next == NULL) return list;
  struct node *slow = list;
  for (struct node *fast = list->next; fast != NULL && fast->next != NULL; fast = fast->next->next) slow = slow->next;
  struct node *second = slow->next;
  slow->next = NULL;
  return merge(sort(list), sort(second));
}

static u32 list_work(u32 crc, u32 seed) {
  struct node *list = build_list(seed);
  for (u32 wanted = 0; wanted < NODES; wanted += 7) {
    u32 steps = 0;
    for (struct node *at = list; at != NULL && at->value != wanted; at = at->next) steps++;
    crc = crc_step(crc, steps);
  }
  list = sort(reverse(list));
  for (; list != NULL; list = list->next) crc = crc_step(crc, list->key ^ list->value);
  return crc;
}

static u32 matrix_work(u32 crc, u32 seed) {
  for (u32 i = 0; i < MATRIX; i++) {
    for (u32 j = 0; j < MATRIX; j++) {
      seed = seed * 69069u + 1u;
      left[i][j] = (short)(seed >> 20);
      right[j][i] = (short)(seed >> 12);
    }
  }
  for (u32 i = 0; i < MATRIX; i++) {
    for (u32 j = 0; j < MATRIX; j++) {
      i32 sum = 0;
      for (u32 k = 0; k < MATRIX; k++) sum += left[i][k] * right[k][j];
      product[i][j] = sum;
    }
  }
  for (u32 i = 0; i < MATRIX; i++) crc = crc_step(crc, (u32)product[i][i] >> 3);
  return crc;
}

enum state { START, SIGN, INTEGER, FRACTION, EXPONENT, WORD, STATES };

static enum state next_state(enum state state, char c) {
  bool digit = c >= '0' && c <= '9';
  switch (state) {
    case START:
      return digit ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? FRACTION : WORD;
    case SIGN:
      return digit ? INTEGER : c == '.' ? FRACTION : WORD;
    case INTEGER:
      return digit ? INTEGER : c == '.' ? FRACTION : c == 'e' ? EXPONENT : WORD;
    case FRACTION:
      return digit ? FRACTION : c == 'e' ? EXPONENT : WORD;
    case EXPONENT:
      return digit || c == '-' ? EXPONENT : WORD;
    default:
      return WORD;
  }
}

static u32 text_work(u32 crc, u32 seed) {
  static const char text[] = "17 -4.25 +3e8 1.5e-3 abc 2.718281828 -0.5 999 7up 6.02e23 . -x 42,";
  u32 seen[STATES] = {0};
  enum state state = START;
  for (u32 i = 0; i < sizeof text - 1; i++) {
    char c = text[i] == ',' ? (char)('0' + seed % 10) : text[i];
    if (c == ' ') {
      seen[state]++;
      state = START;
    } else {
      state = next_state(state, c);
    }
  }
  seen[state]++;
  for (u32 i = 0; i < STATES; i++) crc = crc_step(crc, seen[i]);
  return crc;
}

u64 bench(u64 iterations) {
  u32 crc = 0xffff;
  for (u32 i = 0; i < iterations; i++) {
    crc = list_work(crc, i);
    crc = matrix_work(crc, i);
    crc = text_work(crc, i);
  }
  return crc;
}
