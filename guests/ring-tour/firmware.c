/* Chapters on what stands below S-mode: the SBI, and the traps that come back from it. */
#include "tour.h"

static const struct {
  u64 id;
  const char *name;
} NEEDED[] = {
    {SBI_EXT_TIME, "time"},     {SBI_EXT_IPI, "ipi"},   {SBI_EXT_RFENCE, "rfence"},
    {SBI_EXT_HSM, "hsm"},       {SBI_EXT_SRST, "srst"},
};

static bool got_soft_interrupt(const void *before) { return soft_interrupts != *(const u64 *)before; }

void chapter_sbi(void) {
  struct sbi_result version = sbi_call(SBI_EXT_BASE, SBI_BASE_SPEC_VERSION, 0, 0, 0, 0);
  check(version.error == SBI_SUCCESS && version.value >= 2, "the SBI is version 0.2 or later");
  for (u32 i = 0; i < ARRAY_LENGTH(NEEDED); i++) check(sbi_probe(NEEDED[i].id), NEEDED[i].name);
  check(!sbi_probe(0x08abcdef), "an extension that nobody has is not offered");
  check(sbi_call(0x08abcdef, 0, 0, 0, 0, 0).error == SBI_ERR_NOT_SUPPORTED, "calling it is refused");
  check(sbi_call(SBI_EXT_BASE, 99, 0, 0, 0, 0).error == SBI_ERR_NOT_SUPPORTED, "so is a function that nobody has");
  print("sbi: time, ipi, rfence, hsm and srst are there; unknown calls are refused\n");

  struct sbi_result state = sbi_call(SBI_EXT_HSM, SBI_HSM_STATUS, boot_hart, 0, 0, 0);
  check(state.error == SBI_SUCCESS && state.value == SBI_HSM_STATE_STARTED, "this hart is started");
  check(sbi_call(SBI_EXT_HSM, SBI_HSM_STATUS, 4000, 0, 0, 0).error == SBI_ERR_INVALID_PARAM, "hart 4000 is invalid");
  check(sbi_call(SBI_EXT_HSM, SBI_HSM_START, boot_hart, (u64)second_hart_entry, 0, 0).error == SBI_ERR_ALREADY_AVAILABLE,
        "a started hart cannot be started");
  print("hsm: this hart is started, and cannot be started twice\n");

  u64 before = soft_interrupts;
  check(sbi_call(SBI_EXT_IPI, 0, 1, boot_hart, 0, 0).error == SBI_SUCCESS, "send_ipi succeeds");
  wait_until(got_soft_interrupt, &before);
  check(sbi_call(SBI_EXT_RFENCE, SBI_RFENCE_FENCE_I, 1, boot_hart, 0, 0).error == SBI_SUCCESS, "remote fence.i succeeds");
  check(sbi_call(SBI_EXT_RFENCE, SBI_RFENCE_SFENCE_VMA, 1, boot_hart, 0, ~0ul).error == SBI_SUCCESS,
        "remote sfence.vma succeeds");
  check(soft_interrupts == before + 1, "one IPI is one software interrupt");
  print("ipi: one sent to myself, one taken\n");
}

static void illegal(u64 unused) {
  (void)unused;
  __asm__ volatile(".4byte 0xffffffff");
}
static void read_machine_csr(u64 unused) {
  (void)unused;
  CSR_READ(mstatus);
}
static void breakpoint(u64 unused) {
  (void)unused;
  __asm__ volatile("ebreak");
}

void chapter_traps(void) {
  struct trap trap = trap_of(illegal, 0);
  check(trap.cause == CAUSE_ILLEGAL_INSN, "an undefined encoding is an illegal instruction");
  check(trap.tval == 0 || trap.tval == 0xffffffff, "its tval is the instruction or zero");
  check(trap_of(read_machine_csr, 0).cause == CAUSE_ILLEGAL_INSN, "S-mode cannot read mstatus");
  trap = trap_of(breakpoint, 0);
  check(trap.cause == CAUSE_BREAKPOINT, "ebreak is a breakpoint");
  check(trap.tval == 0 || trap.tval == trap.epc, "its tval is its address or zero");
  print("traps: illegal instruction, machine csr and breakpoint each came back with their cause\n");
}
