/*
 * Supervisor Binary Interface: calls from S-mode to whoever runs below it (SBI 2.0). Only what the bundled guests use.
 */
#ifndef GUEST_SBI_H
#define GUEST_SBI_H

#include "base.h"

#define SBI_EXT_BASE 0x10ul
#define SBI_EXT_TIME 0x54494d45ul
#define SBI_EXT_IPI 0x735049ul
#define SBI_EXT_RFENCE 0x52464e43ul
#define SBI_EXT_HSM 0x48534dul
#define SBI_EXT_SRST 0x53525354ul
#define SBI_EXT_DBCN 0x4442434eul

#define SBI_BASE_SPEC_VERSION 0
#define SBI_BASE_PROBE 3
#define SBI_HSM_START 0
#define SBI_HSM_STOP 1
#define SBI_HSM_STATUS 2
#define SBI_RFENCE_FENCE_I 0
#define SBI_RFENCE_SFENCE_VMA 1

#define SBI_SUCCESS 0
#define SBI_ERR_NOT_SUPPORTED (-2)
#define SBI_ERR_INVALID_PARAM (-3)
#define SBI_ERR_ALREADY_AVAILABLE (-6)

#define SBI_HSM_STATE_STARTED 0
#define SBI_HSM_STATE_STOPPED 1

#define SBI_SRST_SHUTDOWN 0
#define SBI_SRST_NO_REASON 0
#define SBI_SRST_SYSTEM_FAILURE 1

struct sbi_result {
  i64 error;
  i64 value;
};

static inline struct sbi_result sbi_call(u64 extension, u64 function, u64 arg0, u64 arg1, u64 arg2, u64 arg3) {
  register u64 a0 __asm__("a0") = arg0;
  register u64 a1 __asm__("a1") = arg1;
  register u64 a2 __asm__("a2") = arg2;
  register u64 a3 __asm__("a3") = arg3;
  register u64 a6 __asm__("a6") = function;
  register u64 a7 __asm__("a7") = extension;
  __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
  return (struct sbi_result){(i64)a0, (i64)a1};
}

static inline bool sbi_probe(u64 extension) {
  struct sbi_result result = sbi_call(SBI_EXT_BASE, SBI_BASE_PROBE, extension, 0, 0, 0);
  return result.error == SBI_SUCCESS && result.value != 0;
}

#endif
