import { expect, test } from 'vitest';
import { describeDivergence } from '../../src/analysis/divergence-text.ts';
import type { VmEvent } from '../../src/hypervisor/events.ts';
import { NAMES } from './names.ts';

const event: VmEvent = { kind: 'idle', cycle: 5, icount: 4, hart: 0, pc: 0x8000_0000n };

test('a divergence is told with fields, causes, events and registers', () => {
  const lines = describeDivergence(
    {
      recorded: { what: 'event', value: event },
      replayed: { what: 'event', value: { ...event, cycle: 6 } },
      differences: [
        { field: 'cycle', recorded: '5', replayed: '6' },
        { field: 'other', recorded: undefined, replayed: '1' },
      ],
      eventsVerified: 3,
      recentRecorded: [event],
      recentReplayed: [{ ...event, cycle: 6 }],
      likelyCauses: ['a cause'],
      registers: { hart0: { pc: 16n, x: [1n, 2n], satp: 0 } },
    },
    NAMES,
  );
  expect(lines).toEqual([
    '  cycle: recorded 5, replayed 6',
    '  other: recorded (none), replayed 1',
    'likely cause: a cause',
    'last events, recorded:',
    expect.stringMatching(/^ +5 .* waits for an interrupt$/),
    'last events, replayed:',
    expect.stringMatching(/^ +6 .* waits for an interrupt$/),
    'state:',
    '  hart0:',
    '    pc 0x10',
    '    x 0x1 0x2',
    '    satp 0',
  ]);
});
