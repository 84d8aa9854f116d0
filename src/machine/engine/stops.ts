/** Why the generated `run` comes back to TypeScript. Some are served there and the run goes on; the rest are machine stops. */
export const ENGINE_STOP = {
  /** The cycles given are used up. */
  budget: 0,
  /** The entry at `entryPointer` has not been decoded. */
  decode: 1,
  /** A page is executed that has no predecoded block. */
  block: 2,
  /** A device access waits. */
  access: 3,
  supervisorCall: 4,
  wfi: 5,
  interruptTaken: 6,
  /** `stimecmp` or what decides whether it is used was written. */
  timerChanged: 7,
  tohost: 8,
  stuck: 9,
  /** An interrupt may be taken now: run again. */
  again: 10,
  /** PMP registers were written: their ranges must be computed again and the TLBs flushed. */
  pmpChanged: 11,
  /** A probe has counted enough: translate from there. */
  hot: 12,
  /** An exception that the host takes, not the guest. */
  guestTrap: 13,
  /** An interrupt may be taken by a deprivileged guest. */
  guestInterrupt: 14,
  /** A guest-page fault. */
  secondStageFault: 15,
  /** Stores to watched bytes were made, and there is no room to note another. Within `run`: one was made. */
  watchedStore: 16,
} as const;

/** Exception causes (Privileged ISA, table 3.6). */
export const CAUSE = {
  fetchAccess: 1,
  illegal: 2,
  breakpoint: 3,
  loadMisaligned: 4,
  loadAccess: 5,
  storeMisaligned: 6,
  storeAccess: 7,
  userCall: 8,
  supervisorCall: 9,
  machineCall: 11,
  fetchPage: 12,
  loadPage: 13,
  storePage: 15,
  fetchGuestPage: 20,
  loadGuestPage: 21,
  storeGuestPage: 23,
} as const;

/** Access types as the MMU numbers them: fault causes are `accessCause + 2 * access` and `12 or 13 + ...`. */
export const ACCESS = { read: 0, write: 1, fetch: 2 } as const;
