/**
 * The devices of the machine, wired up: register faces on the bus, lines into the interrupt controller, back ends behind
 * them, consoles to the outside. What raises a line is told to the hypervisor, which prices it.
 *
 * The CLINT is there for guests that start in M-mode only: for the others it belongs to the firmware below them.
 */
import { must } from '../assert.ts';
import type { IrqLine, MmioDevice } from '../machine/bus.ts';
import { AtaChannel } from '../machine/devices/ata/ata-channel.ts';
import { AtaDrive } from '../machine/devices/ata/ata-drive.ts';
import { Clint } from '../machine/devices/clint.ts';
import { E1000Controller } from '../machine/devices/e1000/e1000.ts';
import { GoldfishRtc } from '../machine/devices/goldfish-rtc.ts';
import { MmioWindow } from '../machine/devices/mmio-window.ts';
import { Plic } from '../machine/devices/plic.ts';
import { type FinishRequest, TestFinisher } from '../machine/devices/test-finisher.ts';
import { Uart16550 } from '../machine/devices/uart16550.ts';
import type { VirtioDevice } from '../machine/devices/virtio-device.ts';
import { VirtioMmio } from '../machine/devices/virtio-mmio.ts';
import type { Machine } from '../machine/machine-types.ts';
import {
  ataChannel,
  IRQ_SOURCE,
  MAC_ADDRESS,
  MEMORY_MAP,
  VIRTIO_SLOT_COUNT,
  virtioSlot,
} from '../machine/platform/memory-map.ts';
import {
  type BackendOptions,
  BlockBackend,
  ConsoleBackend,
  DEFAULT_BACKEND_TIMING,
  E1000Backend,
  EntropyBackend,
  NetBackend,
  NetPeer,
  OverlayDisk,
  OverlayMedium,
} from './backends/index.ts';
import type { ConsoleInput, Receiver } from './console-input.ts';
import type { DevicePlan } from './device-plan.ts';
import type { IrqLines } from './irq-lines.ts';
import type { RandomBytes } from './random.ts';
import type { RingEvents } from './rings/ring-events.ts';
import type { Schedule } from './schedule.ts';
import { VIRTIO_PLACES, type VmConfig, type VmImages } from './vm-config.ts';
import type { ConsoleStream, InputPort } from './vm-ports.ts';

export interface BoardOptions {
  readonly machine: Machine;
  readonly config: VmConfig;
  readonly images: VmImages;
  readonly devices: DevicePlan;
  readonly schedule: Schedule;
  readonly events: RingEvents;
  readonly random: RandomBytes;
  readonly input: ConsoleInput;
  readonly output: (stream: ConsoleStream, bytes: Uint8Array) => void;
  /** Where the lines of devices go. */
  readonly lines: IrqLines;
  readonly finish: (request: FinishRequest) => void;
}

/** A line into the interrupt controller by its source, for a device of that name. */
type Line = (name: string, source: number) => IrqLine;

export class Board {
  readonly #uart: Uart16550;
  readonly #rtc: GoldfishRtc;
  readonly #clint: Clint | undefined;
  readonly #console: ConsoleBackend | undefined;
  readonly #receivers: Receiver[];
  /** How many of them stand for {@link #uart} and {@link #console}: the others were added. */
  readonly #ownReceivers: number;

  constructor(options: BoardOptions) {
    const { machine, config } = options;
    const plic = new Plic(machine);
    const line: Line = (name, source) => options.lines.connect(name, source, plic.line(source));
    const time = { clock: machine.clock, cycleOfMtime: (ticks: bigint) => machine.cycleOfMtime(ticks) };
    this.#uart = this.#serial(options, line('uart0', IRQ_SOURCE.uart0));
    this.#rtc = new GoldfishRtc({ ...time, irq: line('rtc', IRQ_SOURCE.rtc), epochSeconds: config.rtcEpochSeconds });
    this.#clint = config.entry === 'm' ? new Clint({ ...time, pins: machine }) : undefined;
    const disks = options.images.drives.map((image) => new OverlayDisk(image));
    const virtio = options.devices.virtio ? virtioDevices(options, disks) : undefined;
    const devices: (MmioDevice | undefined)[] = [
      new TestFinisher(options.finish),
      this.#rtc,
      this.#clint,
      plic,
      this.#uart,
      ...(virtio ? virtioSlots(virtio.devices, line) : []),
      ...ataChannels(options, disks, line),
      ...(options.devices.e1000 ? [networkController(options, line)] : []),
    ];
    for (const device of devices) if (device) machine.attach(device);
    this.#console = virtio?.console;
    this.#receivers = [...this.#consoles(virtio?.console)];
    this.#ownReceivers = this.#receivers.length;
  }

  /** Has a console that is no device of the bus given input, after all others. */
  addReceiver(receiver: Receiver): void {
    this.#receivers.push(receiver);
  }

  /** The next cycle at which {@link update} must be called; Infinity if none. */
  nextDeadline(): number {
    const alarm = this.#rtc.nextAlarmCycle();
    return this.#clint === undefined ? alarm : Math.min(alarm, this.#clint.nextTimerCycle());
  }

  /** Brings devices that follow the clock up to it. */
  update(): void {
    this.#rtc.update();
    this.#clint?.update();
  }

  /** Whether some receiver waits for input by interrupt. */
  isReceiverArmed(): boolean {
    // Asked after each exit, so its own are not asked through their receivers.
    if (this.#uart.receiverArmed && this.#uart.receiverRoom > 0) return true;
    if (this.#console !== undefined && this.#console.receiverRoom > 0) return true;
    for (let index = this.#ownReceivers; index < this.#receivers.length; index++) {
      if ((this.#receivers[index]?.armedBytes() ?? 0) > 0) return true;
    }
    return false;
  }

  /** Offers input to every armed receiver, in the order of ports. Returns whether one took some. */
  offerInput(take: (port: InputPort, maxBytes: number) => Uint8Array | undefined): boolean {
    let given = false;
    for (const { port, armedBytes, receive } of this.#receivers) {
      const room = armedBytes();
      const bytes = room === 0 ? undefined : take(port, room);
      if (bytes === undefined) continue;
      receive(bytes);
      given = true;
    }
    return given;
  }

  #serial({ input, output }: BoardOptions, irq: IrqLine): Uart16550 {
    const port = {
      transmit: (byte: number) => output('uart0', Uint8Array.of(byte)),
      demand: (maxBytes: number) => input.pollUart(maxBytes),
    };
    return new Uart16550(port, irq);
  }

  #consoles(console: ConsoleBackend | undefined): readonly Receiver[] {
    const uart = this.#uart;
    const serial: Receiver = {
      port: 'uart0',
      armedBytes: () => (uart.receiverArmed ? uart.receiverRoom : 0),
      receive: (bytes) => void uart.receive(bytes),
    };
    if (console === undefined) return [serial];
    return [
      serial,
      {
        port: 'virtio-console',
        armedBytes: () => console.receiverRoom,
        receive: (bytes) => void console.receive(bytes),
      },
    ];
  }
}

/** What every back end is given. */
function backendOptions(options: BoardOptions, name: string): BackendOptions {
  const { machine, schedule, events } = options;
  return { name, memory: machine.memory, schedule, events, timing: DEFAULT_BACKEND_TIMING };
}

/** The wire of a network controller, with the peer at its other end. */
function wireOf(options: BoardOptions, name: string): NetPeer {
  const { schedule, events, config } = options;
  const { latencyCycles } = must(config.net, 'a network controller is there for a network');
  return new NetPeer({ name, schedule, events, latencyCycles });
}

/** The back ends by slot. */
function virtioDevices(
  options: BoardOptions,
  disks: readonly OverlayDisk[],
): { devices: Map<number, VirtioDevice>; console: ConsoleBackend } {
  const { input, output, random } = options;
  const common = (slot: number) => backendOptions(options, virtioSlot(slot).name);
  const console = new ConsoleBackend({
    ...common(VIRTIO_PLACES.console),
    out: { write: (bytes) => output('virtio-console', bytes) },
    pull: (maxBytes) => input.pull('virtio-console', maxBytes),
  });
  const entropy = new EntropyBackend({
    ...common(VIRTIO_PLACES.entropy),
    randomBytes: (lengthBytes) => random.next(lengthBytes),
  });
  const devices = new Map<number, VirtioDevice>();
  disks.forEach((disk, index) => {
    const slot = VIRTIO_PLACES.firstDrive + index;
    devices.set(slot, new BlockBackend({ ...common(slot), disk, serial: driveName(index) }));
  });
  if (options.devices.virtioNet) {
    const network = common(VIRTIO_PLACES.network);
    const wire = wireOf(options, network.name);
    devices.set(VIRTIO_PLACES.network, new NetBackend({ ...network, wire, mac: MAC_ADDRESS.virtio }));
  }
  devices.set(VIRTIO_PLACES.console, console);
  devices.set(VIRTIO_PLACES.entropy, entropy);
  return { devices, console };
}

function virtioSlots(devices: ReadonlyMap<number, VirtioDevice>, line: Line): readonly VirtioMmio[] {
  return Array.from({ length: VIRTIO_SLOT_COUNT }, (_, index) => {
    const { name, base, irq } = virtioSlot(index);
    const device = devices.get(index);
    return new VirtioMmio({ name, base, irq: line(name, irq), ...(device && { device }) });
  });
}

/** A channel for each drive. Where there are virtio slots too, a disk is reached in both ways, as one medium. */
function ataChannels(options: BoardOptions, disks: readonly OverlayDisk[], line: Line): readonly AtaChannel[] {
  return disks.slice(0, options.devices.ataChannels).map((disk, index) => {
    const place = ataChannel(index);
    const { name, memory, schedule, timing } = backendOptions(options, place.name);
    const medium = new OverlayMedium({ name, disk, schedule, timing });
    const drive = new AtaDrive({ medium, memory, irq: line(name, place.irq), serial: driveName(index) });
    medium.connect(drive);
    return new AtaChannel(place, drive);
  });
}

function networkController(options: BoardOptions, line: Line): MmioDevice {
  const name = 'e1000';
  const engine = new E1000Backend({ ...backendOptions(options, name), wire: wireOf(options, name) });
  const controller = new E1000Controller({ engine, irq: line(name, IRQ_SOURCE.e1000), mac: MAC_ADDRESS.e1000 });
  engine.connect(controller);
  return new MmioWindow(name, MEMORY_MAP.e1000, controller);
}

function driveName(index: number): string {
  return `drive${index}`;
}
