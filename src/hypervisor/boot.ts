/**
 * From images to a machine that is about to execute its first instruction: what firmware does before it enters a guest, done by the
 * host (SBI 2.0 §9.1 and the RISC-V boot protocol of Linux: a0 = hart id, a1 = device tree, translation and interrupts off).
 */
import { must } from '../assert.ts';
import { ParatraceError } from '../errors.ts';
import { type Machine, PRIVILEGE } from '../machine/machine-types.ts';
import { type BootImage, loadBootImage, placeBootData } from '../machine/platform/boot-image.ts';
import { virtDeviceTree } from '../machine/platform/device-tree.ts';
import type { DevicePlan } from './device-plan.ts';
import type { ResumePoint } from './harts.ts';
import type { VmConfig, VmImages } from './vm-config.ts';

/**
 * Every exception but the environment calls of S- and M-mode, which S-mode cannot take itself (Privileged ISA 3.1.8). The firmware of
 * a real machine keeps some of these and redirects them; a guest sees no difference.
 */
const MEDELEG_ALL = 0xb1ffn;
/** Supervisor software, timer and external interrupts. */
const MIDELEG_SUPERVISOR = 0x222n;
/** `cycle`, `time` and `instret` readable below (Privileged ISA 3.1.11). */
const COUNTERS_BASE = 0b111n;
/** `menvcfg`: STCE, and ADUE where the walk updates A and D bits (Privileged ISA 3.1.18). */
const MENVCFG_STCE = 1n << 63n;
const MENVCFG_ADUE = 1n << 61n;
/** One entry that lets S- and U-mode reach everything: NAPOT over all of it, read, write, execute. */
const PMP_EVERYTHING = { pmpaddr0: (1n << 54n) - 1n, pmpcfg0: 0x1fn } as const;
/** `mtimecmp` and `stimecmp` that never come. */
const NEVER = 0xffff_ffff_ffff_ffffn;
const SSTATUS_SIE = 1n << 1n;
/** Bytes of `/chosen/rng-seed`, as QEMU gives. */
const RNG_SEED_BYTES = 32;

export interface BootedGuest extends BootImage {
  /** Guest physical address of the device tree. */
  readonly deviceTree: number;
}

/** What stands in the device tree. */
export interface TreePlan {
  readonly devices: DevicePlan;
  /** The paravirtual interface, for guests that look for it. */
  readonly hypervisor: boolean;
}

/**
 * Loads guest, initrd and device tree and resets every hart.
 * @param reservedBytes end of RAM that is not for any of it
 * @param randomBytes the run's generator: the first bytes of it seed the guest's
 * @throws ParatraceError for images that are malformed or do not fit.
 */
export function bootGuest(
  machine: Machine,
  config: VmConfig,
  images: VmImages,
  { devices, hypervisor }: TreePlan,
  reservedBytes: number,
  randomBytes: (lengthBytes: number) => Uint8Array,
): BootedGuest {
  const { memory } = machine;
  const image = loadBootImage(images.guest, config.guest.name, memory, { entry: config.entry });
  const rngSeed = randomBytes(RNG_SEED_BYTES);
  const treeWith = (initrd: { start: number; end: number } | undefined) =>
    virtDeviceTree({
      hartCount: config.hartCount,
      memoryBytes: config.memoryBytes,
      bootargs: config.append,
      initrd,
      rngSeed,
      clint: config.entry === 'm',
      virtio: devices.virtio,
      ataChannels: devices.ataChannels,
      e1000: devices.e1000,
      hypervisor,
    });
  // The size of the tree does not depend on where the initrd lies, only on whether there is one.
  const draft = treeWith(images.initrd && { start: memory.base, end: memory.base });
  const usable = { base: memory.base, sizeBytes: memory.sizeBytes - reservedBytes };
  checkImageEnd(image, usable.base + usable.sizeBytes);
  const placement = placeBootData(usable, image.loadedRanges, draft.length, images.initrd?.length);
  memory.writeBytes(placement.deviceTree.start, treeWith(placement.initrd));
  if (images.initrd && placement.initrd) memory.writeBytes(placement.initrd.start, images.initrd);
  if (image.tohost !== undefined) machine.watchTohost(image.tohost);
  const deviceTree = placement.deviceTree.start;
  for (const { id } of machine.harts) {
    if (config.entry === 's') enterSupervisor(machine, id, { pc: image.entryPc, opaque: BigInt(deviceTree) });
    else {
      const start = { pc: image.entryPc, a0: BigInt(id), a1: BigInt(deviceTree), privilege: PRIVILEGE.M };
      machine.reset(id, start);
    }
  }
  return { ...image, deviceTree };
}

/** @throws ParatraceError `image.too-large` if an image reaches into RAM that is reserved. */
function checkImageEnd({ loadedRanges }: BootImage, usableEnd: number): void {
  for (const { end } of loadedRanges) {
    if (end <= usableEnd) continue;
    throw new ParatraceError(
      'image.too-large',
      `the image reaches up to 0x${end.toString(16)}; the hypervisor takes RAM from 0x${usableEnd.toString(16)} on: use more memory`,
    );
  }
}

/** Puts a hart at its start in S-mode, as firmware would: delegation, counters, PMP; a0 = hart id, a1 = `opaque`. */
export function enterSupervisor(machine: Machine, hart: number, { pc, opaque }: ResumePoint): void {
  machine.reset(hart, { pc, a0: BigInt(hart), a1: opaque, privilege: PRIVILEGE.S });
  const registers = must(machine.harts[hart], `hart ${hart}`);
  const menvcfg = MENVCFG_STCE | (machine.config.adUpdate === 'hardware' ? MENVCFG_ADUE : 0n);
  const values = {
    medeleg: MEDELEG_ALL,
    mideleg: MIDELEG_SUPERVISOR,
    mcounteren: COUNTERS_BASE,
    scounteren: COUNTERS_BASE,
    menvcfg,
    stimecmp: NEVER,
    ...PMP_EVERYTHING,
  };
  for (const [name, value] of Object.entries(values)) registers.setCsr(name, value);
}

/** Resumes a hart from a non-retentive suspend (SBI 2.0 §9.4, table 18; §13.1): what the specification names, all else as it was. */
export function resumeSupervisor(machine: Machine, hart: number, { pc, opaque }: ResumePoint): void {
  const registers = must(machine.harts[hart], `hart ${hart}`);
  registers.setCsr('satp', 0n);
  registers.setCsr('sstatus', registers.csr('sstatus') & ~SSTATUS_SIE);
  machine.flushTranslations(hart);
  registers.privilege = PRIVILEGE.S;
  registers.setX(10, BigInt(hart));
  registers.setX(11, opaque);
  registers.pc = pc;
}
