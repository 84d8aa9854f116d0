/**
 * A 16550A UART: the whole register face of the National Semiconductor PC16550D on an ideal line.
 *
 * What the ideal line means: a byte leaves in no time, so the transmitter is always empty and the divisor changes nothing; no
 * parity or framing error and no break ever comes in. The receive timeout has no clock either: data below the trigger level is
 * reported as timed out at once, so that no byte waits for a host timer.
 * Input that the port offers is taken only as far as the receiver has room, so an overrun comes from loopback only.
 * Each register is one byte; a wider access reaches the register at its first byte, as on QEMU's board.
 */

import { must } from '../../assert.ts';
import type { IrqLine, MmioDevice } from '../bus.ts';
import { MEMORY_MAP } from '../platform/memory-map.ts';
import type { StateSink } from '../state-sink.ts';

/** Register offsets (PC16550D, table I). Two of them depend on the direction, two more on the divisor latch bit. */
export const UART = {
  RBR: 0,
  THR: 0,
  DLL: 0,
  IER: 1,
  DLM: 1,
  IIR: 2,
  FCR: 2,
  LCR: 3,
  MCR: 4,
  LSR: 5,
  MSR: 6,
  SCR: 7,
} as const;

export const UART_IER = { receivedData: 1, transmitterEmpty: 2, lineStatus: 4, modemStatus: 8 } as const;
/** Interrupt identification, highest priority first (PC16550D, table IV); bits 7:6 say that the FIFOs are on. */
export const UART_IIR = {
  lineStatus: 6,
  receivedData: 4,
  characterTimeout: 12,
  transmitterEmpty: 2,
  modemStatus: 0,
  none: 1,
  fifoEnabled: 0xc0,
} as const;
export const UART_FCR = { enable: 1, clearReceiver: 2, clearTransmitter: 4, dmaMode: 8, trigger: 0xc0 } as const;
export const UART_LCR = { divisorLatch: 0x80 } as const;
export const UART_MCR = { dtr: 1, rts: 2, out1: 4, out2: 8, loopback: 16 } as const;
export const UART_LSR = { dataReady: 1, overrun: 2, transmitterHoldingEmpty: 0x20, transmitterEmpty: 0x40 } as const;
export const UART_MSR = {
  deltaCts: 1,
  deltaDsr: 2,
  trailingRi: 4,
  deltaDcd: 8,
  cts: 0x10,
  dsr: 0x20,
  ri: 0x40,
  dcd: 0x80,
} as const;

const FIFO_BYTES = 16;
const NO_BYTES = new Uint8Array(0);
/** Receive trigger levels in bytes, by FCR bits 7:6. */
const TRIGGER_BYTES = [1, 4, 8, 14] as const;
/** The other end of the line is always there: carrier, data set ready, clear to send. */
const LINE_MODEM_STATUS = UART_MSR.dcd | UART_MSR.dsr | UART_MSR.cts;
const NAMES = ['RBR/THR', 'IER', 'IIR/FCR', 'LCR', 'MCR', 'LSR', 'MSR', 'SCR'] as const;

/** The far end of the serial line. */
export interface UartPort {
  /** The guest sent a byte. */
  transmit(byte: number): void;
  /**
   * The guest polled an empty receiver (it read LSR or RBR, or IIR with the receive interrupt enabled). Up to `maxBytes` may be
   * given, at least 1; undefined or nothing leaves the receiver empty.
   */
  demand(maxBytes: number): Uint8Array | undefined;
}

export class Uart16550 implements MmioDevice {
  readonly name = 'uart0';
  readonly base = MEMORY_MAP.uart0.base;
  readonly sizeBytes = MEMORY_MAP.uart0.sizeBytes;

  readonly #port: UartPort;
  readonly #irq: IrqLine;
  /** Received bytes, oldest first: at most 16, at most 1 while the FIFOs are off. */
  readonly #received: number[] = [];
  #divisor = 0;
  #ier = 0;
  #fcr = 0;
  #lcr = 0;
  #mcr = 0;
  #scr = 0;
  #overrun = false;
  /** Bits 3:0 of MSR: what changed since it was last read. */
  #modemDelta = 0;
  /** The transmitter became empty and the guest was not told yet. */
  #transmitterPending = false;

  constructor(port: UartPort, irq: IrqLine) {
    this.#port = port;
    this.#irq = irq;
  }

  /** Bytes the receiver can take from the line now. None in loopback: the line is cut off there. */
  get receiverRoom(): number {
    if (this.#loopback) return 0;
    return (this.#fifoEnabled ? FIFO_BYTES : 1) - this.#received.length;
  }

  /** Whether the guest waits for received data by interrupt: the interrupt is enabled and the receiver empty. */
  get receiverArmed(): boolean {
    return (this.#ier & UART_IER.receivedData) !== 0 && this.#received.length === 0 && !this.#loopback;
  }

  /** Bytes from the line. @returns how many were taken: the first {@link receiverRoom} of them. */
  receive(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.receiverRoom);
    for (const byte of bytes.subarray(0, taken)) this.#received.push(byte);
    this.#drive();
    return taken;
  }

  read(offset: number, _size: 1 | 2 | 4): number {
    switch (offset) {
      case UART.RBR:
        return this.#divisorLatch ? this.#divisor & 0xff : this.#readReceived();
      case UART.IER:
        return this.#divisorLatch ? this.#divisor >>> 8 : this.#ier;
      case UART.IIR:
        return this.#readIir();
      case UART.LCR:
        return this.#lcr;
      case UART.MCR:
        return this.#mcr;
      case UART.LSR:
        return this.#readLsr();
      case UART.MSR:
        return this.#readMsr();
      case UART.SCR:
        return this.#scr;
      default:
        return 0;
    }
  }

  write(offset: number, _size: 1 | 2 | 4, value: number): void {
    const byte = value & 0xff;
    switch (offset) {
      case UART.THR:
        if (this.#divisorLatch) this.#divisor = (this.#divisor & 0xff00) | byte;
        else this.#transmit(byte);
        break;
      case UART.IER:
        if (this.#divisorLatch) this.#divisor = (this.#divisor & 0xff) | (byte << 8);
        else this.#writeIer(byte);
        break;
      case UART.FCR:
        this.#writeFcr(byte);
        break;
      case UART.LCR:
        this.#lcr = byte;
        break;
      case UART.MCR:
        this.#writeMcr(byte);
        break;
      case UART.SCR:
        this.#scr = byte;
        break;
    }
    this.#drive();
  }

  registerName(offset: number): string | undefined {
    if (this.#divisorLatch && offset === UART.DLL) return 'DLL';
    if (this.#divisorLatch && offset === UART.DLM) return 'DLM';
    return NAMES[offset];
  }

  writeState(sink: StateSink): void {
    sink.value('received', this.#received.length === 0 ? NO_BYTES : Uint8Array.from(this.#received));
    sink.value('divisor', this.#divisor);
    sink.value('ier', this.#ier);
    sink.value('fcr', this.#fcr);
    sink.value('lcr', this.#lcr);
    sink.value('mcr', this.#mcr);
    sink.value('scr', this.#scr);
    sink.value('overrun', this.#overrun);
    sink.value('modemDelta', this.#modemDelta);
    sink.value('transmitterPending', this.#transmitterPending);
  }

  get #divisorLatch(): boolean {
    return (this.#lcr & UART_LCR.divisorLatch) !== 0;
  }

  get #fifoEnabled(): boolean {
    return (this.#fcr & UART_FCR.enable) !== 0;
  }

  get #loopback(): boolean {
    return (this.#mcr & UART_MCR.loopback) !== 0;
  }

  /** MSR bits 7:4. In loopback the modem outputs are wired back to the modem inputs (PC16550D §8.8). */
  get #modemStatus(): number {
    if (!this.#loopback) return LINE_MODEM_STATUS;
    return (
      (this.#mcr & UART_MCR.rts ? UART_MSR.cts : 0) |
      (this.#mcr & UART_MCR.dtr ? UART_MSR.dsr : 0) |
      (this.#mcr & UART_MCR.out1 ? UART_MSR.ri : 0) |
      (this.#mcr & UART_MCR.out2 ? UART_MSR.dcd : 0)
    );
  }

  /** Asks the port for input when the guest looks and there is none. */
  #poll(): void {
    const room = this.receiverRoom;
    if (this.#received.length > 0 || room === 0) return;
    const bytes = this.#port.demand(room);
    if (bytes !== undefined) this.receive(bytes);
  }

  #readReceived(): number {
    this.#poll();
    const byte = this.#received.shift() ?? 0;
    this.#drive();
    return byte;
  }

  /** The transmitter-empty interrupt is acknowledged by reading it here (PC16550D, table IV). */
  #readIir(): number {
    if ((this.#ier & UART_IER.receivedData) !== 0) this.#poll();
    const cause = this.#cause();
    if (cause === UART_IIR.transmitterEmpty) {
      this.#transmitterPending = false;
      this.#drive();
    }
    return cause | (this.#fifoEnabled ? UART_IIR.fifoEnabled : 0);
  }

  /** Reading LSR clears the overrun indication (PC16550D §8.4). */
  #readLsr(): number {
    this.#poll();
    const status =
      UART_LSR.transmitterHoldingEmpty |
      UART_LSR.transmitterEmpty |
      (this.#received.length > 0 ? UART_LSR.dataReady : 0) |
      (this.#overrun ? UART_LSR.overrun : 0);
    this.#overrun = false;
    this.#drive();
    return status;
  }

  /** Reading MSR clears what changed (PC16550D §8.9). */
  #readMsr(): number {
    const status = this.#modemStatus | this.#modemDelta;
    this.#modemDelta = 0;
    this.#drive();
    return status;
  }

  #transmit(byte: number): void {
    if (this.#loopback) this.#loopBack(byte);
    else this.#port.transmit(byte);
    this.#transmitterPending = true;
  }

  /** A full FIFO keeps what it has and loses the new byte; a full receiver buffer register is overwritten (PC16550D §8.4). */
  #loopBack(byte: number): void {
    if (this.#received.length < (this.#fifoEnabled ? FIFO_BYTES : 1)) {
      this.#received.push(byte);
      return;
    }
    this.#overrun = true;
    if (!this.#fifoEnabled) this.#received[0] = byte;
  }

  /** Enabling the transmitter-empty interrupt raises it if the transmitter is empty, which it always is. */
  #writeIer(byte: number): void {
    const enabled = byte & 0x0f;
    const changed = enabled ^ this.#ier;
    this.#ier = enabled;
    if (changed & UART_IER.transmitterEmpty) this.#transmitterPending = (enabled & UART_IER.transmitterEmpty) !== 0;
  }

  /** Other bits count only while bit 0 is written as 1; changing bit 0 empties the FIFOs (PC16550D §8.5). */
  #writeFcr(byte: number): void {
    const enable = (byte & UART_FCR.enable) !== 0;
    const clear = enable !== this.#fifoEnabled || (enable && (byte & UART_FCR.clearReceiver) !== 0);
    if (clear) this.#received.length = 0;
    this.#fcr = enable ? byte & (UART_FCR.enable | UART_FCR.dmaMode | UART_FCR.trigger) : 0;
  }

  #writeMcr(byte: number): void {
    const before = this.#modemStatus;
    this.#mcr = byte & 0x1f;
    const after = this.#modemStatus;
    const changed = before ^ after;
    if (changed & UART_MSR.cts) this.#modemDelta |= UART_MSR.deltaCts;
    if (changed & UART_MSR.dsr) this.#modemDelta |= UART_MSR.deltaDsr;
    if (before & ~after & UART_MSR.ri) this.#modemDelta |= UART_MSR.trailingRi;
    if (changed & UART_MSR.dcd) this.#modemDelta |= UART_MSR.deltaDcd;
  }

  /** The enabled interrupt of the highest priority, as IIR bits 3:0. */
  #cause(): number {
    const count = this.#received.length;
    if (this.#ier & UART_IER.lineStatus && this.#overrun) return UART_IIR.lineStatus;
    if (this.#ier & UART_IER.receivedData && count > 0) {
      const trigger = this.#fifoEnabled ? must(TRIGGER_BYTES[this.#fcr >>> 6], 'trigger level') : 1;
      return count >= trigger ? UART_IIR.receivedData : UART_IIR.characterTimeout;
    }
    if (this.#ier & UART_IER.transmitterEmpty && this.#transmitterPending) return UART_IIR.transmitterEmpty;
    if (this.#ier & UART_IER.modemStatus && this.#modemDelta !== 0) return UART_IIR.modemStatus;
    return UART_IIR.none;
  }

  #drive(): void {
    this.#irq.set(this.#cause() !== UART_IIR.none);
  }
}
