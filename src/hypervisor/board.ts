/**
 * The devices of the machine, wired up: register faces on the bus, lines into the interrupt controller, back ends behind the
 * virtio slots, consoles to the outside. What raises a line is told to the hypervisor, which prices it.
 *
 * The CLINT is there for guests that start in M-mode only: for the others it belongs to the firmware below them.
 */
import { ParatraceError } from '../errors.ts';
import type { IrqLine, MmioDevice } from '../machine/bus.ts';
import { Clint } from '../machine/devices/clint.ts';
import { GoldfishRtc } from '../machine/devices/goldfish-rtc.ts';
import { Plic } from '../machine/devices/plic.ts';
import { type FinishRequest, TestFinisher } from '../machine/devices/test-finisher.ts';
import { Uart16550 } from '../machine/devices/uart16550.ts';
import type { VirtioDevice } from '../machine/devices/virtio-device.ts';
import { VirtioMmio } from '../machine/devices/virtio-mmio.ts';
import type { Machine } from '../machine/machine-types.ts';
import { IRQ_SOURCE, VIRTIO_SLOT_COUNT, virtioSlot } from '../machine/platform/memory-map.ts';
import {
  type BackendOptions,
  BlockBackend,
  ConsoleBackend,
  DEFAULT_BACKEND_TIMING,
  EntropyBackend,
  OverlayDisk,
} from './backends/index.ts';
import type { ConsoleInput } from './console-input.ts';
import type { RandomBytes } from './random.ts';
import type { RingEvents } from './rings/ring-events.ts';
import type { Schedule } from './schedule.ts';
import { DRIVE_COUNT_MAX, VIRTIO_PLACES, type VmConfig, type VmImages } from './vm-config.ts';
import type { ConsoleStream, InputPort } from './vm-ports.ts';

export interface BoardOptions {
  readonly machine: Machine;
  readonly config: VmConfig;
  readonly images: VmImages;
  readonly schedule: Schedule;
  readonly events: RingEvents;
  readonly random: RandomBytes;
  readonly input: ConsoleInput;
  readonly output: (stream: ConsoleStream, bytes: Uint8Array) => void;
  /** A device line into the interrupt controller rose. */
  readonly raised: (source: string, line: number) => void;
  readonly finish: (request: FinishRequest) => void;
}

/** A receiver that input can be put into, by port. */
interface Receiver {
  readonly port: InputPort;
  /** Bytes it waits for by interrupt now; 0 if it is not armed. */
  readonly armedBytes: () => number;
  readonly receive: (bytes: Uint8Array) => void;
}

export class Board {
  readonly #uart: Uart16550;
  readonly #rtc: GoldfishRtc;
  readonly #clint: Clint | undefined;
  readonly #receivers: readonly Receiver[];

  /** @throws ParatraceError `usage.option` if there are more drives than slots. */
  constructor(options: BoardOptions) {
    const { machine, config } = options;
    const plic = new Plic(machine);
    const line = (source: string, number: number) => watched(plic.line(number), () => options.raised(source, number));
    const time = { clock: machine.clock, cycleOfMtime: (ticks: bigint) => machine.cycleOfMtime(ticks) };
    this.#uart = this.#serial(options, line('uart0', IRQ_SOURCE.uart0));
    this.#rtc = new GoldfishRtc({ ...time, irq: line('rtc', IRQ_SOURCE.rtc), epochSeconds: config.rtcEpochSeconds });
    this.#clint = config.entry === 'm' ? new Clint({ ...time, pins: machine }) : undefined;
    const virtio = virtioDevices(options);
    const slots = Array.from({ length: VIRTIO_SLOT_COUNT }, (_, index) => {
      const { name, base, irq } = virtioSlot(index);
      const device = virtio.devices.get(index);
      return new VirtioMmio({ name, base, irq: line(name, irq), ...(device && { device }) });
    });
    const devices: (MmioDevice | undefined)[] = [
      new TestFinisher(options.finish),
      this.#rtc,
      this.#clint,
      plic,
      this.#uart,
      ...slots,
    ];
    for (const device of devices) if (device) machine.attach(device);
    this.#receivers = this.#consoles(virtio.console);
  }

  /** The next cycle at which {@link update} must be called; Infinity if none. */
  nextDeadline(): number {
    return Math.min(this.#rtc.nextAlarmCycle(), this.#clint?.nextTimerCycle() ?? Number.POSITIVE_INFINITY);
  }

  /** Brings devices that follow the clock up to it. */
  update(): void {
    this.#rtc.update();
    this.#clint?.update();
  }

  /** Whether some receiver waits for input by interrupt. */
  isReceiverArmed(): boolean {
    for (const receiver of this.#receivers) if (receiver.armedBytes() > 0) return true;
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

  #consoles(console: ConsoleBackend): readonly Receiver[] {
    const uart = this.#uart;
    return [
      {
        port: 'uart0',
        armedBytes: () => (uart.receiverArmed ? uart.receiverRoom : 0),
        receive: (bytes) => void uart.receive(bytes),
      },
      {
        port: 'virtio-console',
        armedBytes: () => console.receiverRoom,
        receive: (bytes) => void console.receive(bytes),
      },
    ];
  }
}

/** The back ends by slot. */
function virtioDevices(options: BoardOptions): { devices: Map<number, VirtioDevice>; console: ConsoleBackend } {
  const { images, input, output, random } = options;
  if (images.drives.length > DRIVE_COUNT_MAX) {
    throw new ParatraceError('usage.option', `${images.drives.length} drives; there is room for ${DRIVE_COUNT_MAX}`);
  }
  const common = (slot: number): BackendOptions => ({
    name: virtioSlot(slot).name,
    memory: options.machine.memory,
    schedule: options.schedule,
    events: options.events,
    timing: DEFAULT_BACKEND_TIMING,
  });
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
  images.drives.forEach((image, index) => {
    const slot = VIRTIO_PLACES.firstDrive + index;
    devices.set(slot, new BlockBackend({ ...common(slot), disk: new OverlayDisk(image), serial: `drive${index}` }));
  });
  devices.set(VIRTIO_PLACES.console, console);
  devices.set(VIRTIO_PLACES.entropy, entropy);
  return { devices, console };
}

/** A line that tells when it rises. */
function watched(line: IrqLine, rose: () => void): IrqLine {
  let before = false;
  return {
    set: (level) => {
      line.set(level);
      const rises = level && !before;
      before = level;
      if (rises) rose();
    },
  };
}
