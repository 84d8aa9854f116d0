/*
 * Types, barriers and CSR access: what every bundled guest needs and a freestanding compiler does not bring.
 */
#ifndef GUEST_BASE_H
#define GUEST_BASE_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed int i32;
typedef signed long i64;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE_SIZE_BYTES 4096ul

#define CSR_READ(name)                                         \
  ({                                                           \
    u64 value_;                                                \
    __asm__ volatile("csrr %0, " #name : "=r"(value_) : : "memory"); \
    value_;                                                    \
  })
#define CSR_WRITE(name, value) __asm__ volatile("csrw " #name ", %0" : : "r"((u64)(value)) : "memory")
#define CSR_SET(name, bits) __asm__ volatile("csrs " #name ", %0" : : "r"((u64)(bits)) : "memory")
#define CSR_CLEAR(name, bits) __asm__ volatile("csrc " #name ", %0" : : "r"((u64)(bits)) : "memory")

/* Orders memory and device accesses, both kinds on both sides. */
static inline void fence_all(void) { __asm__ volatile("fence iorw, iorw" : : : "memory"); }
static inline void wait_for_interrupt(void) { __asm__ volatile("wfi" : : : "memory"); }
static inline u64 read_time(void) { return CSR_READ(time); }

static inline u8 mmio_read8(u64 address) { return *(volatile u8 *)address; }
static inline void mmio_write8(u64 address, u8 value) { *(volatile u8 *)address = value; }
static inline u32 mmio_read32(u64 address) { return *(volatile u32 *)address; }
static inline void mmio_write32(u64 address, u32 value) { *(volatile u32 *)address = value; }

/* Trap causes (Privileged ISA, table of scause and mcause values). */
#define CAUSE_INTERRUPT (1ul << 63)
#define CAUSE_ILLEGAL_INSN 2
#define CAUSE_BREAKPOINT 3
#define CAUSE_LOAD_ACCESS 5
#define CAUSE_STORE_ACCESS 7
#define CAUSE_ECALL_U 8
#define CAUSE_ECALL_M 11
#define CAUSE_FETCH_PAGE 12
#define CAUSE_LOAD_PAGE 13
#define CAUSE_STORE_PAGE 15

#define IRQ_SOFT_S 1
#define IRQ_TIMER_S 5
#define IRQ_EXTERNAL_S 9

#define SSTATUS_SIE (1ul << 1)
#define SSTATUS_SPIE (1ul << 5)
#define SSTATUS_SPP (1ul << 8)
#define SSTATUS_SUM (1ul << 18)

void *memcpy(void *to, const void *from, u64 lengthBytes);
void *memset(void *to, int value, u64 lengthBytes);
int memcmp(const void *left, const void *right, u64 lengthBytes);
u64 strlen(const char *text);

#endif
