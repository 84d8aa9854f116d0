/**
 * Event channels (docs/abi.md, "Event channels"): ports, what they are bound to, and how an event becomes pending in the shared-info page.
 * Two-level, as in Xen's public/event_channel.h.
 */
import { ascending, type StateSink, writeFields } from '../../machine/state-sink.ts';
import { PV_ERROR, type PvError } from './pv-errors.ts';
import type { SharedInfo } from './shared-info.ts';

export const PORT_MAX = 4095;
export const VIRQ = { timer: 0, console: 2 } as const;
export type Virq = (typeof VIRQ)[keyof typeof VIRQ];
const VIRQ_NAMES: Readonly<Record<Virq, string>> = { [VIRQ.timer]: 'timer', [VIRQ.console]: 'console' };
/** Codes of `status`. Ports of devices are interdomain: their other end is a back end. */
export const PORT_STATUS = { closed: 0, unbound: 1, interdomain: 2, pirq: 3, virq: 4, ipi: 5 } as const;

type Port =
  | { readonly kind: 'unbound' | 'ipi'; readonly vcpu: number }
  | { readonly kind: 'virq'; readonly vcpu: number; readonly virq: Virq }
  /** Both ends are ports of the guest. */
  | { readonly kind: 'interdomain'; readonly vcpu: number; readonly remote: number }
  /** A line of a device, by its source at the interrupt controller, and the name of the device. */
  | { readonly kind: 'pirq'; readonly vcpu: number; readonly source: number; readonly device: string }
  /** The other end is a back end: its name. */
  | { readonly kind: 'device'; readonly vcpu: number; readonly device: string };

export interface EventChannelOptions {
  readonly shared: SharedInfo;
  readonly vcpuCount: number;
  /** Virtual interrupts that there are. */
  readonly virqs: readonly Virq[];
  /** A vCPU has an upcall pending. */
  readonly kick: (vcpu: number) => void;
  /** A port has an event, masked or not. */
  readonly arrived: (port: number) => void;
  /** Lines of devices that ports can be bound to; undefined: there are none. */
  readonly pirqs?: {
    readonly lines: PirqLines;
    /** A line has risen: tells of it and charges it, before its port is made pending. */
    readonly rose: (device: string, port: number) => void;
  };
}

/** Lines of devices, as event channels see them. */
export interface PirqLines {
  /** Whose line it is; undefined if nobody's. */
  deviceOf(source: number): string | undefined;
  /** From here on the line goes to a port: `rose` is called each time it rises. */
  divert(source: number, rose: () => void): void;
  /** The line goes to the interrupt controller again. */
  giveBack(source: number): void;
  isHigh(source: number): boolean;
}

/** A new port, or an error. */
export type PortOrError = { readonly port: number } | { readonly error: PvError };

export class EventChannels {
  readonly #options: EventChannelOptions;
  readonly #ports = new Map<number, Port>();
  readonly #notified = new Map<string, () => void>();
  /** Ports that `VIRQ_CONSOLE` of some vCPU is bound to: asked for between any two exits. */
  readonly #consolePorts: number[] = [];
  /** No port below it is free. */
  #lowestFree = 1;

  constructor(options: EventChannelOptions) {
    this.#options = options;
  }

  bindVirq(virq: number, vcpu: number): PortOrError {
    const offered = this.#options.virqs.find((known) => known === virq);
    if (offered === undefined) return { error: PV_ERROR.EINVAL };
    if (vcpu >= this.#options.vcpuCount) return { error: PV_ERROR.ENOENT };
    if (this.virqPort(virq, vcpu) !== undefined) return { error: PV_ERROR.EEXIST };
    return this.#open({ kind: 'virq', vcpu, virq: offered });
  }

  bindIpi(vcpu: number): PortOrError {
    if (vcpu >= this.#options.vcpuCount) return { error: PV_ERROR.ENOENT };
    return this.#open({ kind: 'ipi', vcpu });
  }

  allocUnbound(): PortOrError {
    return this.#open({ kind: 'unbound', vcpu: 0 });
  }

  /** Connects a new port with an unbound one of the guest itself. */
  bindInterdomain(remote: number): PortOrError {
    const other = this.#ports.get(remote);
    if (other === undefined) return { error: PV_ERROR.ENOENT };
    if (other.kind !== 'unbound') return { error: PV_ERROR.EINVAL };
    const opened = this.#open({ kind: 'interdomain', vcpu: 0, remote });
    if ('port' in opened) this.#ports.set(remote, { kind: 'interdomain', vcpu: other.vcpu, remote: opened.port });
    return opened;
  }

  /** Has the line of a device come by a new port in place of the interrupt controller. One that is high becomes pending at once. */
  bindPirq(source: number): PortOrError {
    const { pirqs } = this.#options;
    const device = pirqs?.lines.deviceOf(source);
    if (pirqs === undefined || device === undefined) return { error: PV_ERROR.ENOENT };
    if (this.#pirqPort(source) !== undefined) return { error: PV_ERROR.EEXIST };
    const opened = this.#open({ kind: 'pirq', vcpu: 0, source, device });
    if ('error' in opened) return opened;
    const { port } = opened;
    pirqs.lines.divert(source, () => {
      pirqs.rose(device, port);
      this.raise(port);
    });
    if (pirqs.lines.isHigh(source)) this.raise(port);
    return opened;
  }

  /** The guest has served a line: if it is still high, its port is pending again. */
  endOfPirq(source: number): PvError | 0 {
    const port = this.#pirqPort(source);
    if (port === undefined) return PV_ERROR.ENOENT;
    if (this.#options.pirqs?.lines.isHigh(source)) this.raise(port);
    return 0;
  }

  /** A port whose other end is a back end. @param notified called when the guest sends */
  bindDevice(device: string, notified: () => void): PortOrError {
    const opened = this.#open({ kind: 'device', vcpu: 0, device });
    if ('port' in opened) this.#notified.set(device, notified);
    return opened;
  }

  /** Has later events of a port go to another vCPU. Those that are bound for a vCPU stay there. */
  bindVcpu(port: number, vcpu: number): PvError | 0 {
    const bound = this.#ports.get(port);
    if (bound === undefined || vcpu >= this.#options.vcpuCount) return PV_ERROR.ENOENT;
    if (bound.kind === 'virq' || bound.kind === 'ipi') return PV_ERROR.EINVAL;
    this.#ports.set(port, { ...bound, vcpu });
    return 0;
  }

  close(port: number): PvError | 0 {
    const bound = this.#ports.get(port);
    if (bound === undefined) return PV_ERROR.ENOENT;
    // A device lets go of its port when it is disconnected.
    if (bound.kind === 'device') return PV_ERROR.EBUSY;
    if (bound.kind === 'interdomain') this.#ports.set(bound.remote, { kind: 'unbound', vcpu: 0 });
    this.#release(port);
    if (bound.kind === 'pirq') this.#options.pirqs?.lines.giveBack(bound.source);
    return 0;
  }

  closeDevice(port: number, device: string): void {
    this.#notified.delete(device);
    this.#release(port);
  }

  /** The guest sends. */
  send(port: number): PvError | 0 {
    const bound = this.#ports.get(port);
    if (bound === undefined) return PV_ERROR.ENOENT;
    switch (bound.kind) {
      case 'ipi':
        this.raise(port);
        return 0;
      case 'interdomain':
        this.raise(bound.remote);
        return 0;
      case 'device':
        this.#notified.get(bound.device)?.();
        return 0;
      default:
        return PV_ERROR.EINVAL;
    }
  }

  /** Makes a port of the guest pending. */
  raise(port: number): void {
    const bound = this.#ports.get(port);
    if (bound === undefined) return;
    const { shared, kick, arrived } = this.#options;
    if (shared.markPort(port, bound.vcpu)) kick(bound.vcpu);
    arrived(port);
  }

  unmask(port: number): PvError | 0 {
    const bound = this.#ports.get(port);
    if (bound === undefined) return PV_ERROR.ENOENT;
    const { shared, kick } = this.#options;
    shared.unmaskPort(port);
    if (shared.isPortPending(port) && shared.select(port, bound.vcpu)) kick(bound.vcpu);
    return 0;
  }

  /** The port of `VIRQ_CONSOLE`: the lowest, if several vCPUs have bound it. */
  get consolePort(): number | undefined {
    return this.#consolePorts[0];
  }

  isBound(port: number): boolean {
    return this.#ports.has(port);
  }

  status(port: number): { readonly status: number; readonly vcpu: number } {
    const bound = this.#ports.get(port);
    if (bound === undefined) return { status: PORT_STATUS.closed, vcpu: 0 };
    const status = bound.kind === 'device' ? PORT_STATUS.interdomain : PORT_STATUS[bound.kind];
    return { status, vcpu: bound.vcpu };
  }

  /** The port that a virtual interrupt of a vCPU is bound to. */
  virqPort(virq: number, vcpu: number): number | undefined {
    for (const [port, bound] of this.#ports) {
      if (bound.kind === 'virq' && bound.virq === virq && bound.vcpu === vcpu) return port;
    }
    return undefined;
  }

  /** Whose events come by a port: a device, `timer`, `console`, `ipi`, `interdomain`; empty for one that nothing is bound to. */
  sourceOf(port: number): string {
    const bound = this.#ports.get(port);
    if (bound === undefined || bound.kind === 'unbound') return '';
    if (bound.kind === 'device' || bound.kind === 'pirq') return bound.device;
    return bound.kind === 'virq' ? VIRQ_NAMES[bound.virq] : bound.kind;
  }

  writeState(sink: StateSink): void {
    sink.beginList('ports');
    for (const [port, bound] of ascending(this.#ports)) {
      sink.begin(undefined);
      sink.value('port', port);
      writeFields(sink, bound);
      sink.end();
    }
    sink.end();
  }

  #pirqPort(source: number): number | undefined {
    for (const [port, bound] of this.#ports) if (bound.kind === 'pirq' && bound.source === source) return port;
    return undefined;
  }

  /** The lowest port that is free. */
  #open(bound: Port): PortOrError {
    while (this.#ports.has(this.#lowestFree)) this.#lowestFree++;
    const port = this.#lowestFree;
    if (port > PORT_MAX) return { error: PV_ERROR.ENOSPC };
    this.#ports.set(port, bound);
    if (bound.kind === 'virq' && bound.virq === VIRQ.console) this.#changeConsolePorts([...this.#consolePorts, port]);
    return { port };
  }

  #changeConsolePorts(ports: readonly number[]): void {
    this.#consolePorts.splice(0, this.#consolePorts.length, ...[...ports].sort((a, b) => a - b));
  }

  #release(port: number): void {
    this.#ports.delete(port);
    if (this.#consolePorts.includes(port))
      this.#changeConsolePorts(this.#consolePorts.filter((other) => other !== port));
    this.#options.shared.clearPort(port);
    this.#lowestFree = Math.min(this.#lowestFree, port);
  }
}
