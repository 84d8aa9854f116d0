import { describe, expect, it } from 'vitest';
import { LiveInput, NoInput, ScriptInput } from '../../src/session/inputs.ts';

const NOW = { cycle: 0, icount: 0 };
const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : new TextDecoder().decode(bytes));

describe('NoInput', () => {
  it('has ended from the start', () => {
    expect(new NoInput().hasEnded()).toBe(true);
    expect(new NoInput().pull()).toBeUndefined();
  });
});

describe('ScriptInput', () => {
  it('types one byte at a time into the 16550 and the debug console', () => {
    const input = new ScriptInput(bytesOf('abc'));
    expect(textOf(input.pull('uart0', NOW, 16))).toBe('a');
    expect(textOf(input.pull('dbcn', NOW, 64))).toBe('b');
    expect(input.hasEnded()).toBe(false);
    expect(textOf(input.pull('uart0', NOW, 16))).toBe('c');
    expect(input.hasEnded()).toBe(true);
    expect(input.pull('uart0', NOW, 16)).toBeUndefined();
  });

  it('fills a receive buffer as far as it goes', () => {
    const input = new ScriptInput(bytesOf('hello'));
    expect(textOf(input.pull('virtio-console', NOW, 3))).toBe('hel');
    expect(textOf(input.pull('virtio-console', NOW, 30))).toBe('lo');
  });

  it('never pushes', () => {
    expect(new ScriptInput(bytesOf('a')).push()).toBeUndefined();
  });
});

describe('LiveInput', () => {
  it('gives what was offered in order, in pieces that fit, to whoever asks', () => {
    const input = new LiveInput();
    input.offer(bytesOf('abcd'));
    input.offer(bytesOf('ef'));
    expect(textOf(input.push('uart0', NOW, 3))).toBe('abc');
    expect(textOf(input.pull('dbcn', NOW, 10))).toBe('d');
    expect(textOf(input.pull('uart0', NOW, 10))).toBe('ef');
    expect(input.pull('uart0', NOW, 10)).toBeUndefined();
  });

  it('ends when it is closed and empty, not before', () => {
    const input = new LiveInput();
    input.offer(bytesOf('a'));
    input.close();
    input.offer(bytesOf('b'));
    expect(input.hasEnded()).toBe(false);
    expect(textOf(input.pull('uart0', NOW, 10))).toBe('a');
    expect(input.hasEnded()).toBe(true);
  });

  it('keeps what was offered when the host reuses its buffer', () => {
    const input = new LiveInput();
    const buffer = bytesOf('a');
    input.offer(buffer);
    buffer[0] = 0;
    expect(textOf(input.pull('uart0', NOW, 10))).toBe('a');
  });
});
