import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  UART,
  UART_FCR,
  UART_IER,
  UART_IIR,
  UART_LCR,
  UART_LSR,
  UART_MCR,
  UART_MSR,
  Uart16550,
} from '../../../src/machine/devices/uart16550.ts';
import { plainStateOf } from '../../../src/machine/state-sink.ts';
import { FakeLine } from '../../support/fake-bus.ts';

const FIFO_ON = UART_FCR.enable | UART_FCR.trigger;
const EMPTY = UART_LSR.transmitterHoldingEmpty | UART_LSR.transmitterEmpty;

function setUp() {
  const sent: number[] = [];
  const demands: number[] = [];
  const input: number[] = [];
  const irq = new FakeLine();
  const uart = new Uart16550(
    {
      transmit: (byte) => sent.push(byte),
      demand: (maxBytes) => {
        demands.push(maxBytes);
        return input.length === 0 ? undefined : Uint8Array.from(input.splice(0, maxBytes));
      },
    },
    irq,
  );
  const read = (offset: number) => uart.read(offset, 1);
  const write = (offset: number, value: number) => uart.write(offset, 1, value);
  const receive = (...bytes: number[]) => uart.receive(Uint8Array.from(bytes));
  return { uart, irq, sent, demands, input, read, write, receive };
}

describe('16550 registers', () => {
  it('comes out of reset with an empty transmitter, a connected modem and no interrupt', () => {
    const { irq, read } = setUp();
    expect([UART.IER, UART.IIR, UART.LCR, UART.MCR, UART.LSR, UART.MSR, UART.SCR].map(read)).toEqual([
      0,
      UART_IIR.none,
      0,
      0,
      EMPTY,
      UART_MSR.dcd | UART_MSR.dsr | UART_MSR.cts,
      0,
    ]);
    expect(irq.level).toBe(false);
  });

  it('switches the first two registers to the divisor latch', () => {
    const { uart, sent, read, write } = setUp();
    write(UART.IER, 1);
    expect([0, 1].map((offset) => uart.registerName(offset))).toEqual(['RBR/THR', 'IER']);
    write(UART.LCR, UART_LCR.divisorLatch | 3);
    write(UART.DLL, 0x02);
    write(UART.DLM, 0x81);
    expect([read(UART.DLL), read(UART.DLM), read(UART.LCR)]).toEqual([0x02, 0x81, 0x83]);
    expect([0, 1].map((offset) => uart.registerName(offset))).toEqual(['DLL', 'DLM']);
    write(UART.LCR, 3);
    expect(read(UART.IER)).toBe(1);
    expect(sent).toEqual([]);
  });

  it('has the widths that drivers probe: IER 4 bits, MCR 5 bits, a scratch register of 8', () => {
    const { read, write } = setUp();
    for (const offset of [UART.IER, UART.MCR, UART.SCR]) write(offset, 0xff);
    expect([UART.IER, UART.MCR, UART.SCR].map(read)).toEqual([0x0f, 0x1f, 0xff]);
  });

  it('identifies itself as a 16550A: both FIFO bits once the FIFOs are on', () => {
    const { read, write } = setUp();
    expect(read(UART.IIR) & UART_IIR.fifoEnabled).toBe(0);
    write(UART.FCR, UART_FCR.enable);
    expect(read(UART.IIR)).toBe(UART_IIR.fifoEnabled | UART_IIR.none);
    write(UART.FCR, 0);
    expect(read(UART.IIR)).toBe(UART_IIR.none);
  });

  it('takes a wide access for the register at its first byte', () => {
    const { uart, sent } = setUp();
    uart.write(UART.THR, 4, 0x1234_5641);
    expect(sent).toEqual([0x41]);
    expect(uart.read(UART.LSR, 4)).toBe(EMPTY);
  });

  it('has eight registers', () => {
    const { uart, write, read } = setUp();
    write(8, 1);
    expect(read(8)).toBe(0);
    expect(uart.registerName(5)).toBe('LSR');
    expect(uart.registerName(8)).toBeUndefined();
  });

  it('has plain state', () => {
    const { uart, write, receive } = setUp();
    write(UART.FCR, FIFO_ON);
    receive(1, 2);
    expect(plainStateOf(uart)).toEqual({
      received: Uint8Array.of(1, 2),
      divisor: 0,
      ier: 0,
      fcr: FIFO_ON,
      lcr: 0,
      mcr: 0,
      scr: 0,
      overrun: false,
      modemDelta: 0,
      transmitterPending: false,
    });
  });
});

describe('16550 transmitter', () => {
  it('sends at once and stays empty', () => {
    const { sent, read, write } = setUp();
    for (const byte of [0x48, 0x69]) write(UART.THR, byte);
    expect(sent).toEqual([0x48, 0x69]);
    expect(read(UART.LSR)).toBe(EMPTY);
  });

  it('interrupts when enabled, until IIR names it, and again after each byte', () => {
    const { irq, read, write } = setUp();
    write(UART.IER, UART_IER.transmitterEmpty);
    expect(irq.level).toBe(true);
    expect(read(UART.IIR)).toBe(UART_IIR.transmitterEmpty);
    expect(irq.level).toBe(false);
    expect(read(UART.IIR)).toBe(UART_IIR.none);
    write(UART.THR, 0x41);
    expect(irq.level).toBe(true);
    write(UART.IER, 0);
    expect(irq.level).toBe(false);
    write(UART.IER, UART_IER.transmitterEmpty);
    expect(read(UART.IIR)).toBe(UART_IIR.transmitterEmpty);
  });

  it('is not acknowledged by an IIR that names something more urgent', () => {
    const { irq, read, write, receive } = setUp();
    write(UART.IER, UART_IER.transmitterEmpty | UART_IER.receivedData);
    receive(0x61);
    expect(read(UART.IIR)).toBe(UART_IIR.receivedData);
    read(UART.RBR);
    expect(irq.level).toBe(true);
    expect(read(UART.IIR)).toBe(UART_IIR.transmitterEmpty);
  });
});

describe('16550 receiver', () => {
  it('holds one byte while the FIFOs are off and 16 while they are on', () => {
    const { uart, write, receive } = setUp();
    expect(uart.receiverRoom).toBe(1);
    expect(receive(1, 2, 3)).toBe(1);
    expect(uart.receiverRoom).toBe(0);
    write(UART.FCR, FIFO_ON);
    expect(uart.receiverRoom).toBe(16);
    expect(receive(...Array.from({ length: 20 }, (_, index) => index))).toBe(16);
  });

  it('interrupts at the trigger level, and below it reports the timeout', () => {
    const { irq, read, write, receive } = setUp();
    write(UART.FCR, UART_FCR.enable | 0x40);
    write(UART.IER, UART_IER.receivedData);
    receive(1, 2, 3);
    expect(irq.level).toBe(true);
    expect(read(UART.IIR)).toBe(UART_IIR.fifoEnabled | UART_IIR.characterTimeout);
    receive(4);
    expect(read(UART.IIR)).toBe(UART_IIR.fifoEnabled | UART_IIR.receivedData);
    expect([0, 0, 0, 0].map(() => read(UART.RBR))).toEqual([1, 2, 3, 4]);
    expect(irq.level).toBe(false);
  });

  it.each([
    [0x00, 1],
    [0x40, 4],
    [0x80, 8],
    [0xc0, 14],
  ])('has trigger level %#', (trigger, level) => {
    const { read, write, receive } = setUp();
    write(UART.FCR, UART_FCR.enable | trigger);
    write(UART.IER, UART_IER.receivedData);
    for (let count = 1; count <= 16; count++) {
      receive(count);
      expect(read(UART.IIR) & 0x0f).toBe(count < level ? UART_IIR.characterTimeout : UART_IIR.receivedData);
    }
  });

  it('is emptied by FCR bit 1, and by switching the FIFOs; other FCR bits need bit 0', () => {
    const { read, write, receive } = setUp();
    write(UART.FCR, UART_FCR.enable);
    receive(1);
    write(UART.FCR, UART_FCR.enable | UART_FCR.clearReceiver);
    expect(read(UART.LSR) & UART_LSR.dataReady).toBe(0);
    receive(2);
    write(UART.FCR, 0);
    expect(read(UART.LSR) & UART_LSR.dataReady).toBe(0);
    receive(3);
    write(UART.FCR, UART_FCR.clearReceiver);
    expect(read(UART.RBR)).toBe(3);
  });

  it('asks for input at an empty LSR or RBR: one byte without FIFOs, 16 with', () => {
    const { demands, input, read, write } = setUp();
    input.push(0x61, 0x62, 0x63);
    expect(read(UART.LSR) & UART_LSR.dataReady).toBe(1);
    expect(demands).toEqual([1]);
    expect(read(UART.LSR) & UART_LSR.dataReady).toBe(1);
    expect(demands).toEqual([1]);
    expect(read(UART.RBR)).toBe(0x61);
    expect(read(UART.RBR)).toBe(0x62);
    expect(demands).toEqual([1, 1]);
    write(UART.FCR, FIFO_ON);
    expect(read(UART.RBR)).toBe(0x63);
    expect(read(UART.RBR)).toBe(0);
    expect(demands).toEqual([1, 1, 16, 16]);
  });

  it('asks at IIR only while that could show received data', () => {
    const { demands, input, read, write } = setUp();
    input.push(0x61);
    expect(read(UART.IIR)).toBe(UART_IIR.none);
    expect(demands).toEqual([]);
    write(UART.IER, UART_IER.receivedData);
    expect(read(UART.IIR)).toBe(UART_IIR.receivedData);
    expect(demands).toEqual([1]);
  });

  it('does not ask while the divisor latch hides RBR', () => {
    const { demands, read, write } = setUp();
    write(UART.LCR, UART_LCR.divisorLatch);
    read(UART.DLL);
    expect(demands).toEqual([]);
  });

  it('takes no more from the port than it asked for', () => {
    const irq = new FakeLine();
    const uart = new Uart16550({ transmit: () => {}, demand: () => Uint8Array.of(1, 2, 3) }, irq);
    expect([uart.read(UART.RBR, 1), uart.read(UART.RBR, 1)]).toEqual([1, 1]);
  });

  it('is armed while a driver waits by interrupt', () => {
    const { uart, write, receive } = setUp();
    expect(uart.receiverArmed).toBe(false);
    write(UART.IER, UART_IER.receivedData);
    expect(uart.receiverArmed).toBe(true);
    receive(1);
    expect(uart.receiverArmed).toBe(false);
  });
});

describe('16550 loopback', () => {
  it('passes the test by which Linux finds a UART: modem outputs come back as inputs', () => {
    const { read, write } = setUp();
    write(UART.MCR, UART_MCR.loopback | UART_MCR.out2 | UART_MCR.rts);
    expect(read(UART.MSR) & 0xf0).toBe(UART_MSR.dcd | UART_MSR.cts);
    write(UART.MCR, UART_MCR.loopback | UART_MCR.out1 | UART_MCR.dtr);
    expect(read(UART.MSR) & 0xf0).toBe(UART_MSR.ri | UART_MSR.dsr);
  });

  it('records what changed until MSR is read, and interrupts for it', () => {
    const { irq, read, write } = setUp();
    write(UART.IER, UART_IER.modemStatus);
    write(UART.MCR, UART_MCR.loopback | UART_MCR.out1 | UART_MCR.out2 | UART_MCR.rts | UART_MCR.dtr);
    expect(irq.level).toBe(false);
    write(UART.MCR, UART_MCR.loopback | UART_MCR.out2 | UART_MCR.dtr);
    expect(irq.level).toBe(true);
    expect(read(UART.IIR)).toBe(UART_IIR.modemStatus);
    expect(read(UART.MSR) & 0x0f).toBe(UART_MSR.trailingRi | UART_MSR.deltaCts);
    expect(irq.level).toBe(false);
    expect(read(UART.MSR) & 0x0f).toBe(0);
  });

  it('receives what it sends, cut off from the line', () => {
    const { uart, sent, demands, read, write, receive } = setUp();
    write(UART.MCR, UART_MCR.loopback);
    expect(receive(9)).toBe(0);
    expect(uart.receiverRoom).toBe(0);
    write(UART.THR, 0x55);
    expect(read(UART.LSR)).toBe(EMPTY | UART_LSR.dataReady);
    expect(read(UART.RBR)).toBe(0x55);
    expect(read(UART.LSR)).toBe(EMPTY);
    expect([sent, demands]).toEqual([[], []]);
  });

  it('overruns: the register is overwritten, the FIFO keeps its bytes; LSR tells once', () => {
    const { irq, read, write } = setUp();
    write(UART.MCR, UART_MCR.loopback);
    write(UART.IER, UART_IER.lineStatus);
    write(UART.THR, 1);
    write(UART.THR, 2);
    expect(irq.level).toBe(true);
    expect(read(UART.IIR)).toBe(UART_IIR.lineStatus);
    expect(read(UART.LSR)).toBe(EMPTY | UART_LSR.dataReady | UART_LSR.overrun);
    expect(irq.level).toBe(false);
    expect(read(UART.LSR)).toBe(EMPTY | UART_LSR.dataReady);
    expect(read(UART.RBR)).toBe(2);
    write(UART.FCR, FIFO_ON);
    for (let byte = 1; byte <= 17; byte++) write(UART.THR, byte);
    expect(read(UART.LSR) & UART_LSR.overrun).toBe(UART_LSR.overrun);
    expect(Array.from({ length: 16 }, () => read(UART.RBR))).toEqual(
      Array.from({ length: 16 }, (_, index) => index + 1),
    );
  });
});

describe('16550 under any driver (property)', () => {
  it('keeps its line level equal to what IIR says, and every register a byte', () => {
    const access = fc.tuple(fc.constantFrom('read', 'write', 'receive'), fc.nat(7), fc.nat(255));
    fc.assert(
      fc.property(fc.array(access, { maxLength: 80 }), (accesses) => {
        const { uart, irq, input, read, write, receive } = setUp();
        for (const [kind, offset, value] of accesses) {
          if (kind === 'write') write(offset, value);
          else if (kind === 'receive') receive(value, offset);
          else {
            input.push(value);
            const result = read(offset);
            expect(result).toBeGreaterThanOrEqual(0);
            expect(result).toBeLessThan(256);
          }
          expect(uart.receiverRoom).toBeGreaterThanOrEqual(0);
          input.length = 0;
          const before = irq.level;
          expect((read(UART.IIR) & 1) === 0).toBe(before);
        }
      }),
      { numRuns: 300 },
    );
  });
});
