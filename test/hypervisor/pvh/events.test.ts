/** Event channels of a hardware-assisted guest: upcalls in hardware, acknowledged and masked without an exit. */
import { afterAll, describe, expect, it } from 'vitest';
import type { EventOf, VmEvent } from '../../../src/hypervisor/events.ts';
import { Scratch } from '../../cli/fake-host.ts';
import {
  CALL,
  CHANNEL,
  call,
  channel,
  operation,
  PLACE,
  print,
  printDigit,
  runPvhKernel,
  SHUTDOWN,
  START_SECOND,
} from '../../support/pvh-kernel.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());
const run = (body: string, second?: string, ...options: readonly string[]) =>
  runPvhKernel(scratch, body, second, ...options);

/** a0 as a digit, if it is the negative of one. */
const printError = `sub t3, x0, a0\n ${printDigit('t3')}`;
const TWO = ['--harts', '2'] as const;
const injected = (events: readonly VmEvent[]) =>
  events
    .filter((event): event is EventOf<'inject'> => event.kind === 'inject')
    .map(({ source, line }) => `${source} ${line}`);
const avoided = (events: readonly VmEvent[]) =>
  events
    .filter((event): event is EventOf<'avoidedExit'> => event.kind === 'avoidedExit')
    .map(({ operation }) => operation);

/** A handler of upcalls at the label `upcall`: takes the interrupt back, acknowledges port 1, prints `u`, returns. */
const HANDLER = `
  j start
  .align 4
upcall:
  csrrci x0, sip, 2
  sb x0, 0(s1)
  sd x0, 8(s1)
  li t0, -3
  addi t1, s1, 0x200
  amoand.d x0, t0, (t1)
  ${print('u')}
  sret
start:
  la t0, upcall
  csrrw x0, stvec, t0
  csrrsi x0, sie, 2
`;
const LET_IN = 'csrrsi x0, sstatus, 2';

/** Of the second vCPU: sets the flag, waits for an upcall, and prints whether its pending flag is set. */
const WAITS_FOR_UPCALL = `
  csrrsi x0, sie, 2
  la s2, flag
  li t0, 1
  sd t0, 0(s2)
  wfi
  lbu t4, 64(s1)
  ${printDigit('t4')}
  ${SHUTDOWN}
`;
/** Starts it, and goes on when it is about to wait. */
const START_WAITING = `
  ${START_SECOND}
  la s2, flag
wait: ld t0, 0(s2)
  beq t0, x0, wait
`;

describe('an upcall', () => {
  it('is the software interrupt of the vCPU, once per event, acknowledged without an exit', async () => {
    const { stdout, events } = await run(`
      ${HANDLER} ${PLACE} ${LET_IN}
      ${channel(CHANNEL.bindIpi, 0, 0)}
      ${channel(CHANNEL.send, 1)} ${print('a')}
      ${channel(CHANNEL.send, 1)} ${print('b')}
    `);
    expect(stdout).toBe('uaub');
    expect(injected(events)).toEqual(['upcall 0', 'upcall 0']);
    expect(avoided(events)).toEqual(['interrupt-acknowledge', 'interrupt-acknowledge']);
    expect(events.filter(({ kind }) => kind === 'mmio')).toEqual([]);
  });

  it('waits while the guest masks upcalls in the shared page, and comes with the next call', async () => {
    const { stdout, events } = await run(`
      ${HANDLER} ${PLACE} ${LET_IN}
      ${channel(CHANNEL.bindIpi, 0, 0)}
      li t0, 1
      sb t0, 1(s1)
      ${channel(CHANNEL.send, 1)} ${print('a')}
      lbu t4, 0(s1)
      ${printDigit('t4')}
      sb x0, 1(s1)
      ${print('b')}
      li a0, 0
      ${call(17)} ${print('c')}
    `);
    expect(stdout).toBe('a1buc');
    expect(avoided(events)).toEqual(['interrupt-mask', 'interrupt-unmask', 'interrupt-acknowledge']);
  });

  it('does not come for a port that is masked, until the port is unmasked', async () => {
    const { stdout } = await run(`
      ${HANDLER} ${PLACE} ${LET_IN}
      ${channel(CHANNEL.bindIpi, 0, 0)}
      li t0, 2
      sd t0, 0x400(s1)
      ${channel(CHANNEL.send, 1)} ${print('a')}
      ${channel(CHANNEL.unmask, 1)} ${print('b')}
    `);
    expect(stdout).toBe('aub');
  });

  it('reaches the other vCPU, which waits in wfi', async () => {
    const { stdout, events } = await run(
      `
      ${PLACE}
      ${channel(CHANNEL.bindIpi, 1, 0)}
      ${START_WAITING}
      li t1, 4000
    turns: addi t1, t1, -1
      bne t1, x0, turns
      ${channel(CHANNEL.send, 1)}
    more: ld t0, 8(s1)
      j more
    `,
      WAITS_FOR_UPCALL,
      ...TWO,
    );
    expect(stdout).toBe('1');
    expect(injected(events)).toContain('upcall 1');
    expect(events.filter(({ kind }) => kind === 'wake')).toHaveLength(1);
  });

  it('ends a block, and one that is due already keeps it from waiting', async () => {
    const { code, stdout } = await run(`
      ${PLACE}
      ${channel(CHANNEL.bindIpi, 0, 0)}
      ${channel(CHANNEL.send, 1)}
      li a0, 1
      ${call(CALL.sched)} ${print('a')}
    `);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'a' });
  });

  it('of a block with nothing to come ends the run, and says so', async () => {
    const { code, stderr } = await run(`csrrsi x0, sie, 2\n ${PLACE}\n li a0, 1\n ${call(CALL.sched)}`);
    expect(code).toBe(1);
    expect(stderr).toContain('no timer, device or input is set up to interrupt it');
  });
});

describe('the shared-info page', () => {
  it('is zero but for its clocks when it is placed, and placed once', async () => {
    const { stdout } = await run(`
      li t0, -1
      sd t0, 0(s1)
      ${PLACE} ${printError}
      ld t4, 0(s1)
      ${printDigit('t4')}
      lwu t4, 0x20(s1)
      ${printDigit('t4')}
      ${PLACE}
      addi t4, a0, 17
      ${printDigit('t4')}
    `);
    expect(stdout).toBe('0020');
  });

  it('must be there before there are events', async () => {
    const { stdout } = await run(`${channel(CHANNEL.bindIpi, 0, 0)} ${printError}`);
    expect(stdout).toBe('2');
  });
});

describe('a line of a device', () => {
  const UART_LINE = 10;
  /** Writes the interrupt enable register: the transmitter is empty, so its line rises, or it falls. */
  const uart = (enable: number) => `li t0, 0x10000000\n li t1, ${enable}\n sb t1, 1(t0)\n`;
  const PENDING = `ld t4, 0x200(s1)\n ${printDigit('t4')}\n`;
  const PLIC_PENDING = `li t0, 0x0c001000\n lw t4, 0(t0)\n srli t4, t4, ${UART_LINE}\n ${printDigit('t4')}\n`;

  it('comes by its port in place of the interrupt controller, and goes back when that is closed', async () => {
    const { stdout, events } = await run(`
      ${PLACE}
      ${channel(CHANNEL.bindPirq, UART_LINE, 0, 0)} ${printError}
      ${uart(2)} ${PENDING} ${PLIC_PENDING}
      ${channel(CHANNEL.close, 1)} ${PLIC_PENDING}
    `);
    expect(stdout).toBe('0201');
    expect(injected(events)).toEqual(['uart0 1', 'upcall 0', 'uart0 10']);
  });

  it('that is high when it is bound is pending at once, and again after its end if it is still high', async () => {
    const { stdout } = await run(`
      ${uart(2)} ${PLACE}
      ${channel(CHANNEL.bindPirq, UART_LINE, 0, 0)} ${PENDING}
      sd x0, 0x200(s1)
      ${operation(CALL.physdev, 12, UART_LINE)} ${PENDING}
      sd x0, 0x200(s1)
      ${uart(0)}
      ${operation(CALL.physdev, 12, UART_LINE)} ${PENDING}
    `);
    expect(stdout).toBe('220');
  });

  it('goes to the vCPU that its port is bound to', async () => {
    const { stdout, events } = await run(
      `
      ${PLACE}
      ${channel(CHANNEL.bindPirq, UART_LINE, 0, 0)}
      ${channel(CHANNEL.bindVcpu, 1, 1)}
      ${START_WAITING}
      ${uart(2)}
    more: ld t0, 8(s1)
      j more
    `,
      WAITS_FOR_UPCALL,
      ...TWO,
    );
    expect(stdout).toBe('1');
    expect(injected(events)).toEqual(['uart0 1', 'upcall 1']);
  });

  it('is bound once, and only if there is one; its port says what it is', async () => {
    const { stdout } = await run(`
      ${PLACE}
      ${channel(CHANNEL.bindPirq, 95, 0, 0)} ${printError}
      ${channel(CHANNEL.bindPirq, UART_LINE, 0, 0)} ${printError}
      ${channel(CHANNEL.bindPirq, UART_LINE, 0, 0)}
      addi a0, a0, 17
      ${printError}
      ${channel(CHANNEL.status, 0x7ff0, 1)}
      la t0, data
      lw t4, 8(t0)
      ${printDigit('t4')}
    `);
    expect(stdout).toBe('2003');
  });
});
