/*
 * How pending ports are found in the shared-info page, whatever told of them.
 */
#ifndef MINI_OS_EVENT_CLAIM_H
#define MINI_OS_EVENT_CLAIM_H

#include "paravirt.h"

#define EVENT_WORD_BITS 64

static inline u32 event_lowest_bit(u64 word) {
  u32 bit = 0;
  while ((word >> bit & 1) == 0) bit++;
  return bit;
}

/*
 * Takes the next port that is pending and not masked, of vCPU 0; 0: there is none.
 * `selected` keeps the words of `evtchn_pending` that are still to be looked at.
 */
static inline u32 event_claim(volatile struct shared_info *const *shared, u64 *selected) {
  for (;;) {
    if (*selected == 0) {
      (*shared)->vcpu[0].evtchn_upcall_pending = 0;
      fence_all(); /* what comes from here on sets it again */
      *selected = __atomic_exchange_n(&(*shared)->vcpu[0].evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
      if (*selected == 0) return 0;
    }
    u32 word = event_lowest_bit(*selected);
    u64 ready = (*shared)->evtchn_pending[word] & ~(*shared)->evtchn_mask[word];
    if (ready == 0) {
      *selected &= *selected - 1;
      continue;
    }
    u32 bit = event_lowest_bit(ready);
    __atomic_fetch_and(&(*shared)->evtchn_pending[word], ~(1ul << bit), __ATOMIC_SEQ_CST);
    return word * EVENT_WORD_BITS + bit;
  }
}

#endif
