/**
 * Register accesses of real drivers, for each thing that they do: from `guests/mini-os/drivers/` and `guests/common/virtio.c`, in the order of the
 * source. docs/devices.md has the registers.
 */

/** Accesses that a driver makes. */
export interface Accesses {
  readonly registers?: number;
  /** Doorbells of rings. */
  readonly notifications?: number;
  /** Registers of the interrupt controller: those that set it up, and the one that claims and completes. */
  readonly controllerRegisters?: number;
  readonly claims?: number;
  readonly completions?: number;
  /** Calls for event channels. */
  readonly calls?: number;
  /** Events sent to a port, beside the interrupt that tells of them. */
  readonly events?: number;
}

export interface DeviceRecipes {
  readonly consoleStart: Accesses;
  readonly consoleByte: Accesses;
  /** A call of the console driver with text. */
  readonly consoleWrite: Accesses;
  /** Before power-off. */
  readonly consoleFlush: Accesses;
  readonly blockStart: Accesses;
  /** A request, however many pages it has, and what its interrupt takes. */
  readonly blockSubmit: Accesses;
  readonly blockInterrupt: Accesses;
  readonly netStart: Accesses;
  readonly netTransmit: Accesses;
  /** Buffers given back, once for {@link REFILL_FRAMES}. */
  readonly netRefill: Accesses;
  /** A receiver finds nothing and asks for an interrupt. */
  readonly netUnmask: Accesses;
  readonly netInterrupt: Accesses;
  /** A line is let through the interrupt controller, and the controller is set up once. */
  readonly route: Accesses;
  readonly controllerStart: Accesses;
}

/** `REFILL_BATCH` of every network driver here. */
export const REFILL_FRAMES = 8;

/** priority, enable read and written; threshold; a claim, one that finds nothing, a completion. */
const CONTROLLER = {
  route: { controllerRegisters: 3 },
  controllerStart: { controllerRegisters: 1 },
} as const;
const SERVED = { claims: 2, completions: 1 } as const satisfies Accesses;

/** `uart16550.c`, `ata.c`, `e1000.c`. */
export const REGISTER_DRIVERS = {
  ...CONTROLLER,
  /** IER, FCR. */
  consoleStart: { registers: 2 },
  /** LSR, THR. */
  consoleByte: { registers: 2 },
  consoleWrite: {},
  /** LSR. */
  consoleFlush: { registers: 1 },
  /** DeviceControl, Device, Command, Status, 256 words of Data, DeviceControl. */
  blockStart: { registers: 5 + 256 },
  /** BMTable, BMCommand, Device, SectorCount, three of LBA, Command, BMCommand. */
  blockSubmit: { registers: 9 },
  /** BMCommand, BMStatus read and written, Status. */
  blockInterrupt: { registers: 4, ...SERVED },
  /** CTRL, IMC, two of the address, CTRL, five of each ring, RCTL, RDT, TCTL, ICR, IMS, STATUS. */
  netStart: { registers: 5 + 10 + 6 },
  /** TDT. */
  netTransmit: { registers: 1 },
  /** RDT. */
  netRefill: { registers: 1 },
  /** IMS, STATUS. */
  netUnmask: { registers: 2 },
  /** ICR, IMC, STATUS. */
  netInterrupt: { registers: 3, ...SERVED },
} as const satisfies DeviceRecipes;

/** A slot looked at: magic, version, device id. */
const PROBE = 3;
/** Status three times, four of the device's features, four of the driver's, status written and read; status once more when it is ready. */
const NEGOTIATE = 13 + 1;
/** Select, ready, the largest size, size, six of addresses, ready written and read. */
const QUEUE = 12;
/** Slots up to the first with the device (docs/devices.md). */
const SLOTS = { block: 1, net: 6, console: 7 } as const;

/** `virtio-console.c`, `virtio-block.c`, `virtio-net.c`. */
export const RING_DRIVERS: DeviceRecipes = {
  ...CONTROLLER,
  consoleStart: { registers: SLOTS.console * PROBE + NEGOTIATE + QUEUE },
  consoleByte: {},
  consoleWrite: { notifications: 1 },
  consoleFlush: {},
  /** And how many segments a request may have. */
  blockStart: { registers: SLOTS.block * PROBE + NEGOTIATE + QUEUE + 1 },
  /** Two of the capacity, which is read for each transfer. */
  blockSubmit: { registers: 2, notifications: 1 },
  /** InterruptStatus, InterruptACK. */
  blockInterrupt: { registers: 2, ...SERVED },
  /** Two queues, six bytes of the address, and the first buffers. */
  netStart: { registers: SLOTS.net * PROBE + NEGOTIATE + 2 * QUEUE + 6, notifications: 1 },
  netTransmit: { notifications: 1 },
  netRefill: { notifications: 1 },
  netUnmask: {},
  netInterrupt: { registers: 2, ...SERVED },
};

/** The same where a line comes by the port of an event channel: `platform-native/events.c`. */
export const EVENT_DRIVERS: DeviceRecipes = {
  ...RING_DRIVERS,
  /** bind_pirq; the place of the shared-info page. */
  route: { calls: 1 },
  controllerStart: { calls: 1 },
  blockInterrupt: { registers: 2, events: 1 },
  netInterrupt: { registers: 2, events: 1 },
};
