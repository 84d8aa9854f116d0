/* How a guest of a hypervisor ends its machine and counts: S-mode with SBI. */
#include "bench.h"
#include "sbi.h"

void machine_end(bool passed) {
  sbi_call(SBI_EXT_SRST, 0, SBI_SRST_SHUTDOWN, passed ? SBI_SRST_NO_REASON : SBI_SRST_SYSTEM_FAILURE, 0, 0);
  for (;;) wait_for_interrupt();
}

u64 retired_instructions(void) { return CSR_READ(instret); }
