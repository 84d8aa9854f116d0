import { describe, expect, it } from 'vitest';
import { formatGuestTime, formatShare, formatSi, groupDigits, tickLabels } from '../../src/viz/format.ts';

describe('formatSi', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1 k'],
    [1234567, '1.235 M'],
    [999_999, '1 M'],
    [2e9, '2 G'],
    [4.5e15, '4.5 P'],
  ])('%d as %s', (value, text) => expect(formatSi(value)).toBe(text));
});

describe('numbers in words', () => {
  it('groups digits by three', () => {
    expect(groupDigits(1234567)).toBe('1,234,567');
    expect(groupDigits(123)).toBe('123');
  });

  it('never shows a share that is there as zero', () => {
    expect(formatShare(1, 1e9)).toBe('< 0.01 %');
    expect(formatShare(0, 5)).toBe('0 %');
    expect(formatShare(1, 8)).toBe('12.5 %');
    expect(formatShare(5, 0)).toBe('0 %');
  });

  it('says guest time in a fitting unit', () => {
    expect(formatGuestTime(12_346, 1e9)).toBe('12.35 µs');
    expect(formatGuestTime(5, 1e9)).toBe('5 ns');
    expect(formatGuestTime(2.5e9, 1e9)).toBe('2.5 s');
  });
});

describe('tickLabels', () => {
  it('labels a whole run with one unit', () => {
    const { base, label } = tickLabels(0, 60e6, 5e6);
    expect(base).toBeUndefined();
    expect([0, 5e6, 60e6].map(label)).toEqual(['0', '5 M', '60 M']);
  });

  it('gives enough digits to tell ticks apart', () => {
    const { label } = tickLabels(3.39e6, 3.46e6, 5000);
    expect([3.395e6, 3.4e6].map(label)).toEqual(['3.395 M', '3.400 M']);
  });

  it('counts from a base where all digits would be equal', () => {
    const { base, label } = tickLabels(5_000_000_001.5, 5_000_000_009, 2);
    expect(base).toBe(5_000_000_002);
    expect([5_000_000_002, 5_000_000_004].map(label)).toEqual(['+0', '+2']);
  });
});
