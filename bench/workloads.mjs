/**
 * What is measured: the guests, how long each runs, and what is asked of it.
 *
 * `entry` is `m` for bare metal and `s` for a guest of an SBI (OpenSBI under QEMU). Iterations are chosen so that QEMU needs about a
 * second, the short run; the steady rate comes from the difference to an eighth of them. `goal` has ratios of wall time to QEMU's
 * `rr=record`, and what recording may cost over `run`, in percent.
 */
export const FEW_PART = 8;
/**
 * What a long run takes under QEMU's recording, at least: what CoreMark's rules ask of a run that is reported ("Run Rules", "Required", 1:
 * https://github.com/eembc/coremark/blob/main/README.md). Dhrystone asks for 2 (`Too_Small_Time` of version 2.1).
 */
export const LONG_SECONDS = 10;
/** Aimed at that much more, because rounds differ. */
export const LONG_MARGIN = 1.1;
/** Long runs have no more rounds than this: what disturbs a second of a machine weighs ten times less in them. */
export const LONG_ROUNDS_MAX = 2;

export const WORKLOADS = [
  {
    name: 'workload',
    about: 'lists, matrices, text and CRC, CoreMark-like',
    entry: 'm',
    iterations: 40_000,
    short: 4_000,
    goal: { whole: 2.3, steady: 2.8 },
  },
  {
    name: 'records',
    about: 'records, strings and calls, Dhrystone-like',
    entry: 'm',
    iterations: 320_000,
    short: 40_000,
  },
  {
    name: 'chase',
    about: 'pointer chasing over 64 MiB',
    entry: 'm',
    iterations: 8_000,
    short: 800,
    goal: { whole: 1.5 },
  },
  {
    name: 'stream',
    about: 'copy, add and triad over 64 MiB',
    entry: 'm',
    iterations: 16,
    short: 2,
    goal: { whole: 1.5 },
  },
  {
    name: 'large-code',
    about: '0.7 MB of functions called at random',
    entry: 'm',
    iterations: 2_000_000,
    short: 150_000,
    goal: { whole: 1.8 },
  },
  {
    name: 'paging',
    about: 'Sv39, random pages of 64 MiB, two address spaces',
    entry: 'm',
    iterations: 4_000,
    short: 400,
    goal: { whole: 1.3 },
  },
  { name: 'atomics', about: 'AMOs and LR/SC loops', entry: 'm', iterations: 20_000_000, short: 2_000_000 },
  {
    name: 'syscalls',
    about: 'U-mode calls an S-mode kernel',
    entry: 'm',
    iterations: 160_000,
    short: 16_000,
    goal: { whole: 1.0 },
  },
  { name: 'selfmod', about: 'code that rewrites code, fence.i', entry: 'm', iterations: 80_000, short: 4_000 },
  {
    name: 'mmio',
    about: 'device registers read in a loop',
    entry: 's',
    iterations: 400_000,
    short: 8_000,
    goal: { whole: 1.0 },
    path: { what: 'MMIO register read', perIteration: 8 },
  },
  {
    name: 'hypercalls',
    about: 'SBI base calls in a loop',
    entry: 's',
    iterations: 1_000_000,
    short: 24_000,
    goal: { whole: 1.0 },
    path: { what: 'SBI call', perIteration: 1 },
  },
  {
    name: 'dense',
    about: 'an SBI call in 2,000 cycles: 500,000 events in a second of guest time',
    entry: 's',
    iterations: 1_000_000,
    short: 24_000,
    goal: { recording: 10 },
    path: { what: 'SBI call and 2,000 cycles', perIteration: 1 },
  },
  {
    name: 'doorbell',
    about: 'entropy ring: doorbell, interrupt, answer',
    entry: 's',
    iterations: 24_000,
    short: 1_000,
    path: { what: 'doorbell to back end and back', perIteration: 1 },
    qemu: ['-object', 'rng-builtin,id=rng0', '-device', 'virtio-rng-device,rng=rng0'],
  },
  { name: 'ticks', about: 'a timer tick each 100 us of guest time', entry: 's', iterations: 80_000, short: 8_000 },
];

export const COMPUTE = ['workload', 'records', 'chase', 'stream', 'large-code', 'paging', 'atomics'];
/** What recording may cost over `run`, in percent: on compute, and on a session with U-Boot. */
export const COMPUTE_RECORDING_PERCENT = 3;
export const UBOOT_RECORDING_PERCENT = 10;

/** The rule for long runs: all that computes, and all that has a goal against QEMU. */
export function hasLongRun({ name, goal }) {
  return COMPUTE.includes(name) || goal?.whole !== undefined;
}

/** Guest of the warm-up curve and of start-up and memory. */
export const CURVE_GUESTS = ['workload', 'large-code'];
