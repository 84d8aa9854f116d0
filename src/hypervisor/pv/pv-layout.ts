/** Layout of the pages that a paravirtual guest shares with the hypervisor (docs/abi.md): offsets in bytes, all fields little endian. */

/** `a7` of a call: in the SBI's range for experimental extensions. */
export const PV_EXTENSION = 0x0850_5654;
/** Version of the interface: major << 16 | minor. */
export const PV_VERSION = 1 << 16;

export const START_INFO = {
  magic: 0x00,
  version: 0x08,
  vcpuCount: 0x0c,
  ramBase: 0x10,
  ramBytes: 0x18,
  usableEnd: 0x20,
  sharedInfo: 0x28,
  initialRoot: 0x30,
  deviceTree: 0x38,
  timebaseHz: 0x40,
  deviceCount: 0x48,
  devices: 0x50,
  commandLine: 0x250,
} as const;
export const START_MAGIC = 0x3130_5650_5452_4150n;
export const START_DEVICE = { sizeBytes: 32, type: 0, index: 4, capacity: 8, address: 16 } as const;
export const START_DEVICES_MAX = 16;
export const COMMAND_LINE_BYTES = 1024;
export const DEVICE_TYPE = { block: 1, network: 2 } as const;

export const SHARED_INFO = {
  vcpuInfo: 0x000,
  vcpuInfoBytes: 64,
  pending: 0x200,
  mask: 0x400,
  wallClock: 0x600,
  vcpuTrap: 0x800,
  vcpuTrapBytes: 128,
} as const;
export const VCPU_INFO = { upcallPending: 0x00, upcallMask: 0x01, pendingSelector: 0x08, time: 0x20 } as const;
export const VCPU_TIME = {
  version: 0x00,
  tscTimestamp: 0x08,
  systemTime: 0x10,
  multiplier: 0x18,
  shift: 0x1c,
} as const;
export const WALL_CLOCK = { version: 0x0, seconds: 0x4, nanoseconds: 0x8 } as const;
export const VCPU_TRAP = {
  kernelSp: 0x00,
  pc: 0x08,
  sp: 0x10,
  cause: 0x18,
  tval: 0x20,
  status: 0x28,
  a0: 0x30,
  a6: 0x38,
  a7: 0x40,
} as const;
/** Bits of the status in a trap record. */
export const STATUS = { kernel: 1, masked: 2 } as const;

export const DOMAIN = { backEnds: 0, guest: 1, self: 0x7ff0 } as const;
