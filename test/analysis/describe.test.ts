import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeEvent, eventToJson } from '../../src/analysis/describe.ts';
import { EVENT_KINDS, type EventKind, type EventOf, type VmEvent } from '../../src/hypervisor/events.ts';
import { fieldsArbitrary } from '../trace/arbitraries.ts';
import { NAMES } from './names.ts';

const STAMP = { cycle: 123_456, icount: 99_000, hart: 1, pc: 0x8020_0000n };
const COSTS = { entryCycles: 212, handlingCycles: 18, returnCycles: 388 };
const CALL: EventOf<'hypercall'> = {
  kind: 'hypercall',
  ...STAMP,
  ...COSTS,
  eid: 0x4442434en,
  fid: 0n,
  arg0: 5n,
  arg1: 0x8060_0000n,
  arg2: 0n,
  arg3: 7n,
  arg4: 0n,
  arg5: 0n,
  error: -3n,
  value: 2n ** 64n - 1n,
  tableWrites: 0,
  rootLoads: 0,
  flushes: 0,
};

describe('an event as a line', () => {
  test('shows stamp, what happened and its cost', () => {
    const line = describeEvent(CALL, NAMES);
    expect(line).toBe(
      '        123456         99000  hart 1  0000000080200000  hypercall    DBCN.0(num_bytes=0x5, base_addr_lo=0x80600000, base_addr_hi=0x0) -> error -3, 0xffffffffffffffff  [618 cycles]',
    );
  });

  test('shows the arguments of an unknown call up to the last that is not zero', () => {
    const line = describeEvent({ ...CALL, eid: 0x99n, fid: 4n }, NAMES);
    expect(line).toContain('0x99.4(0x5, 0x80600000, 0x0, 0x7) -> ');
  });

  test.each([
    [
      {
        kind: 'mmio',
        ...COSTS,
        device: 'uart0',
        register: 'LSR',
        gpa: 0x1000_0005,
        sizeBytes: 1,
        write: false,
        value: 0x60n,
      },
      'uart0.LSR -> 0x60 (1 bytes at 0x10000005)',
    ],
    [{ kind: 'interrupt', cause: 5 }, 'supervisor timer'],
    [{ kind: 'interrupt', cause: 40 }, 'cause 40'],
    [
      { kind: 'used', device: 'virtio1', queue: 0, usedIndex: 7, delivered: false },
      'virtio1 queue 0: interrupt suppressed at used 7',
    ],
    [
      { kind: 'broken', device: 'virtio1', queue: 2, what: 'descriptor loop', offending: 9n },
      'virtio1 queue 2: broken: descriptor loop (0x9)',
    ],
    [
      { kind: 'avoidedExit', operation: 'interrupt-mask', device: '', queue: 0, line: 0, count: 1 },
      'avoidedExit  interrupt-mask',
    ],
    [
      { kind: 'avoidedExit', operation: 'interrupt-acknowledge', device: 'timer', queue: 0, line: 3, count: 1 },
      'interrupt-acknowledge of timer (port 3)',
    ],
    [
      { kind: 'avoidedExit', operation: 'ring-publish', device: 'pv-net0', queue: 1, line: 0, count: 7 },
      'ring-publish at pv-net0 queue 1, 7 times',
    ],
    [
      { ...CALL, tableWrites: 12, rootLoads: 1, flushes: 2 },
      'error -3, 0xffffffffffffffff (12 table writes, 1 address space loaded, 2 flushes)',
    ],
    [{ kind: 'input', port: 'uart0', lengthBytes: 0 }, 'end of input at uart0'],
    [{ kind: 'end', reason: 'poweroff', status: 0 }, 'poweroff, status 0'],
  ])('tells %o', (event, text) => {
    expect(describeEvent({ ...STAMP, ...event } as unknown as VmEvent, NAMES)).toContain(text);
  });
});

describe('an event as JSON', () => {
  test('has its fields, 64-bit values as text, and names', () => {
    expect(eventToJson(CALL, NAMES)).toEqual({
      kind: 'hypercall',
      cycle: 123_456,
      icount: 99_000,
      hart: 1,
      pc: '0x80200000',
      ...COSTS,
      eid: '0x4442434e',
      fid: '0x0',
      arg0: '0x5',
      arg1: '0x80600000',
      arg2: '0x0',
      arg3: '0x7',
      arg4: '0x0',
      arg5: '0x0',
      error: '-3',
      value: '0xffffffffffffffff',
      tableWrites: 0,
      rootLoads: 0,
      flushes: 0,
      call: 'DBCN.0',
      errorName: 'error -3',
    });
  });

  test.each(Object.keys(EVENT_KINDS) as EventKind[])(
    'of kind `%s` keeps every value, and its line is one line',
    (kind) => {
      const property = fc.property(fieldsArbitrary(kind), (fields) => {
        const event = { kind, ...STAMP, ...fields } as unknown as VmEvent;
        const json = JSON.parse(JSON.stringify(eventToJson(event, NAMES))) as Record<string, unknown>;
        for (const [name, value] of Object.entries(event)) {
          const shown = json[name];
          expect(typeof value === 'bigint' ? BigInt(String(shown)) : shown).toEqual(value);
        }
        expect(describeEvent(event, NAMES).length).toBeGreaterThan(50);
      });
      fc.assert(property, { numRuns: 50 });
    },
  );
});
