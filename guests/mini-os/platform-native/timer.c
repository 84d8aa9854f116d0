/* The timer: stimecmp where the harts have it (Sstc), else a call of the SBI. */
#include "native.h"
#include "sbi.h"

#define CSR_STIMECMP "0x14d"

u64 native_now(void) { return read_time(); }

void native_set_deadline(u64 deadline) {
  if (board.sstc) __asm__ volatile("csrw " CSR_STIMECMP ", %0" : : "r"(deadline) : "memory");
  else sbi_call(SBI_EXT_TIME, 0, deadline, 0, 0, 0);
}
