/*
 * One bounded pass over the structure block. A node is judged when it ends, by the properties seen in it; what needs two nodes
 * (the interrupt controller of the boot hart and the PLIC's list) is resolved after the pass.
 */
#include "fdt.h"

#define FDT_MAGIC 0xd00dfeedu
#define FDT_BEGIN_NODE 1
#define FDT_END_NODE 2
#define FDT_PROP 3
#define FDT_NOP 4
#define FDT_END 9
#define FDT_SIZE_MAX (1ul << 20)
#define DEPTH_MAX 8

struct bytes {
  const u8 *data; /* NULL: property absent */
  u32 length;
};

struct node {
  const char *name;
  u32 address_cells; /* for its children */
  u32 size_cells;
  u64 cpu_id; /* of the nearest cpu@ above */
  bool in_cpu;
  struct bytes reg, compatible, interrupts, phandle, interrupts_extended, isa, device_type;
};

struct walk {
  struct board *board;
  u64 boot_hart;
  struct bytes plic_interrupts;
  u32 boot_hart_phandle;
  bool boot_hart_seen;
};

static u32 be32(const u8 *p) { return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3]; }

static bool equal(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *a == *b;
}

static bool starts(const char *text, const char *prefix) {
  while (*prefix != 0 && *text == *prefix) text++, prefix++;
  return *prefix == 0;
}

/* Whether a property holds `word` somewhere: in a list of strings, or inside one. */
static bool mentions(struct bytes property, const char *word) {
  u64 length = strlen(word);
  for (u64 at = 0; at + length <= property.length; at++) {
    if (memcmp(property.data + at, word, length) == 0) return true;
  }
  return false;
}

static u64 cells(struct bytes property, u32 from, u32 count) {
  u64 value = 0;
  if (count > 2) return 0; /* no number of this board is wider */
  for (u32 i = from; i < from + count; i++) {
    if ((i + 1) * 4 <= property.length) value = value << 32 | be32(property.data + i * 4);
  }
  return value;
}

static void remember(struct walk *walk, struct node *node, const char *name, struct bytes value) {
  if (equal(name, "#address-cells")) node->address_cells = (u32)cells(value, 0, 1);
  else if (equal(name, "#size-cells")) node->size_cells = (u32)cells(value, 0, 1);
  else if (equal(name, "reg")) node->reg = value;
  else if (equal(name, "compatible")) node->compatible = value;
  else if (equal(name, "interrupts")) node->interrupts = value;
  else if (equal(name, "phandle")) node->phandle = value;
  else if (equal(name, "interrupts-extended")) node->interrupts_extended = value;
  else if (equal(name, "riscv,isa")) node->isa = value;
  else if (equal(name, "device_type")) node->device_type = value;
  else if (equal(name, "timebase-frequency")) walk->board->timebase_hz = cells(value, 0, 1);
  else if (equal(name, "bootargs") && value.length > 0 && value.data[value.length - 1] == 0)
    walk->board->bootargs = (const char *)value.data;
}

static void add_virtio(struct board *board, u64 base, u32 irq) {
  if (board->virtio_count == BOARD_VIRTIO_MAX) return;
  u32 at = board->virtio_count++;
  for (; at > 0 && board->virtio[at - 1].base > base; at--) board->virtio[at] = board->virtio[at - 1];
  board->virtio[at] = (struct board_slot){base, irq};
}

static void judge(struct walk *walk, const struct node *node, const struct node *parent) {
  struct board *board = walk->board;
  u64 base = cells(node->reg, 0, parent->address_cells);
  u32 irq = (u32)cells(node->interrupts, 0, 1);
  if (mentions(node->device_type, "memory")) {
    board->ram_base = base;
    board->ram_size_bytes = cells(node->reg, parent->address_cells, parent->size_cells);
  } else if (starts(node->name, "cpu@")) {
    if (board->hart_count < BOARD_HARTS_MAX) board->hart_ids[board->hart_count++] = base;
    if (base == walk->boot_hart) walk->boot_hart_seen = true;
    if (!mentions(node->isa, "sstc")) board->sstc = false;
  } else if (node->in_cpu && mentions(node->compatible, "riscv,cpu-intc")) {
    if (node->cpu_id == walk->boot_hart) walk->boot_hart_phandle = (u32)cells(node->phandle, 0, 1);
  } else if (mentions(node->compatible, "virtio,mmio")) {
    add_virtio(board, base, irq);
  } else if (mentions(node->compatible, "ns16550")) {
    board->uart_base = base;
  } else if (mentions(node->compatible, "ata-generic")) {
    if (board->ata.base == 0 || base < board->ata.base) board->ata = (struct board_slot){base, irq};
  } else if (mentions(node->compatible, "paratrace,e1000")) {
    board->e1000 = (struct board_slot){base, irq};
  } else if (mentions(node->compatible, "paratrace,event-channels")) {
    board->event_channels = true;
  } else if (mentions(node->compatible, "plic")) {
    board->plic_base = base;
    walk->plic_interrupts = node->interrupts_extended;
  }
}

/* The PLIC context whose parent is the S-mode external interrupt of the boot hart. */
static bool find_context(const struct walk *walk) {
  for (u32 context = 0; (context + 1) * 8 <= walk->plic_interrupts.length; context++) {
    if ((u32)cells(walk->plic_interrupts, context * 2, 1) == walk->boot_hart_phandle &&
        cells(walk->plic_interrupts, context * 2 + 1, 1) == IRQ_EXTERNAL_S) {
      walk->board->plic_context = context;
      return true;
    }
  }
  return false;
}

static struct node child_of(const struct node *parent, const char *name) {
  struct node node = {.name = name, .address_cells = 2, .size_cells = 1};
  /* A cpu's own reg comes before its children, so that its id is known when they begin. */
  node.in_cpu = parent->in_cpu || starts(parent->name, "cpu@");
  node.cpu_id = starts(parent->name, "cpu@") ? cells(parent->reg, 0, parent->reg.length / 4) : parent->cpu_id;
  return node;
}

/* The string at `at`, or NULL if it does not end inside the tree. */
static const char *string_at(const u8 *fdt, u32 at, u32 total) {
  for (u32 end = at; end < total; end++) {
    if (fdt[end] == 0) return (const char *)fdt + at;
  }
  return NULL;
}

static u32 align4(u32 offset) { return (offset + 3) & ~3u; }

static bool walk_structure(struct walk *walk, const u8 *fdt, u32 total) {
  struct node stack[DEPTH_MAX + 1] = {{.name = "", .address_cells = 2, .size_cells = 1}};
  u32 depth = 0;
  u32 strings = be32(fdt + 12);
  if (strings >= total) return false;
  for (u32 at = be32(fdt + 8); at <= total - 4;) {
    u32 token = be32(fdt + at);
    at += 4;
    if (token == FDT_NOP) continue;
    if (token == FDT_END) return depth == 0;
    if (token == FDT_BEGIN_NODE) {
      const char *name = string_at(fdt, at, total);
      if (depth == DEPTH_MAX || name == NULL) return false;
      depth++;
      stack[depth] = child_of(&stack[depth - 1], name);
      at = align4(at + (u32)strlen(name) + 1);
    } else if (token == FDT_END_NODE) {
      if (depth == 0) return false;
      judge(walk, &stack[depth], &stack[depth - 1]);
      depth--;
    } else if (token == FDT_PROP) {
      if (depth == 0 || at > total - 8) return false;
      u32 length = be32(fdt + at);
      u32 name_at = be32(fdt + at + 4);
      if (length > total - at - 8 || name_at > total - strings) return false;
      const char *name = string_at(fdt, strings + name_at, total);
      if (name == NULL) return false;
      remember(walk, &stack[depth], name, (struct bytes){fdt + at + 8, length});
      at = align4(at + 8 + length);
    } else {
      return false;
    }
  }
  return false;
}

bool board_from_fdt(struct board *board, const void *fdt, u64 boot_hart) {
  struct walk walk = {.board = board, .boot_hart = boot_hart};
  *board = (struct board){.bootargs = "", .sstc = true};
  const u8 *bytes = fdt;
  if (be32(bytes) != FDT_MAGIC) return false;
  u32 total = be32(bytes + 4);
  if (total < 40 || total > FDT_SIZE_MAX) return false;
  if (!walk_structure(&walk, bytes, total)) return false;
  if (board->plic_base != 0 && !find_context(&walk)) return false;
  return board->ram_size_bytes != 0 && board->timebase_hz != 0 && walk.boot_hart_seen;
}
