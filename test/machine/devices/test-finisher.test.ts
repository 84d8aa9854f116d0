import { describe, expect, it } from 'vitest';
import { type FinishRequest, TestFinisher } from '../../../src/machine/devices/test-finisher.ts';
import { plainStateOf } from '../../../src/machine/state-sink.ts';

function setUp() {
  const requests: FinishRequest[] = [];
  return { requests, finisher: new TestFinisher((request) => requests.push(request)) };
}

describe('test finisher', () => {
  it.each([
    [0x5555, { kind: 'pass', code: 0 }],
    [0x0001_3333, { kind: 'fail', code: 1 }],
    [0xffff_3333, { kind: 'fail', code: 0xffff }],
    [0x7777, { kind: 'reset', code: 0 }],
  ])('decodes a word %#', (value, request) => {
    const { requests, finisher } = setUp();
    finisher.write(0, 4, value);
    expect(requests).toEqual([request]);
  });

  it('takes a half-word without a code and no byte', () => {
    const { requests, finisher } = setUp();
    finisher.write(0, 2, 0x3333);
    finisher.write(0, 1, 0x55);
    expect(requests).toEqual([{ kind: 'fail', code: 0 }]);
  });

  it('ignores other values and other offsets, and reads zero', () => {
    const { requests, finisher } = setUp();
    finisher.write(0, 4, 0x1234);
    finisher.write(4, 4, 0x5555);
    expect(requests).toEqual([]);
    expect(finisher.read()).toBe(0);
    expect(finisher.registerName(0)).toBe('FINISH');
    expect(finisher.registerName(4)).toBeUndefined();
    expect(plainStateOf(finisher)).toEqual({});
  });
});
