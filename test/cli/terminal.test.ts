/** What shares a terminal: keys, guest output, the progress line. */
import { describe, expect, it } from 'vitest';
import { EscapeKeys } from '../../src/cli/host/escape-keys.ts';
import { Interruption } from '../../src/cli/host/interruption.ts';
import { Screen } from '../../src/cli/host/screen.ts';
import { printable } from '../../src/cli/printable.ts';
import { FakeHost, paratrace } from './fake-host.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('escape keys', () => {
  function press(...parts: readonly string[]): string[] {
    const log: string[] = [];
    const keys = new EscapeKeys({
      typed: (typed) => log.push(`typed ${JSON.stringify(new TextDecoder().decode(typed))}`),
      quit: () => log.push('quit'),
      mark: () => log.push('mark'),
      help: () => log.push('help'),
    });
    for (const part of parts) keys.take(bytes(part));
    return log;
  }

  it('types everything else', () => {
    expect(press('ls\r', '\x1b[A')).toEqual(['typed "ls\\r"', 'typed "\\u001b[A"']);
  });

  it('ends the run on Ctrl-C and Ctrl-A x, also in two parts', () => {
    expect(press('\x03')).toEqual(['quit']);
    expect(press('\x01x')).toEqual(['quit']);
    expect(press('\x01', 'x')).toEqual(['quit']);
  });

  it('types Ctrl-C and Ctrl-A behind Ctrl-A', () => {
    expect(press('a\x01cb')).toEqual(['typed "a\\u0003b"']);
    expect(press('\x01a', '\x01\x01')).toEqual(['typed "\\u0001"', 'typed "\\u0001"']);
    expect(press('\x01h')).toEqual(['help']);
    expect(press('\x01m')).toEqual(['mark']);
    expect(press('\x01z')).toEqual(['typed "z"']);
  });

  it('work in a run', async () => {
    const host = new FakeHost();
    host.stdin.kind = 'terminal';
    let pauses = 0;
    host.onPause = () => {
      pauses += 1;
      if (pauses === 3) host.stdin.handlers?.data(bytes('\x01h'));
      if (pauses === 4) host.stdin.handlers?.data(bytes('by hand\r\n'));
    };
    const { code, stdout, stderr } = await paratrace(['run', 'ring-tour', '--append', 'echo'], host);
    expect(stdout).toContain('by hand');
    expect(stderr).toContain('Ctrl-A x');
    expect(code).toBe(0);
  });
});

describe('the second wish to end', () => {
  it('ends the process, unless it is the first one passed on', async () => {
    const host = new FakeHost();
    let nowMs = 0;
    host.nowMs = () => nowMs;
    const interruption = new Interruption(host);
    host.signal('SIGINT');
    nowMs = 50;
    host.signal('SIGINT');
    expect(host.exitedWith).toBeUndefined();
    expect(interruption.by).toBe('SIGINT');
    await interruption.wait(60_000);
    nowMs = 1000;
    host.signal('SIGINT');
    expect(host.exitedWith).toBe(1);
    interruption.close();
    expect(host.signalHandlers.size).toBe(0);
  });
});

describe('the screen', () => {
  function shared() {
    const host = new FakeHost();
    let nowMs = 0;
    host.nowMs = () => nowMs;
    host.stdout.isTerminal = true;
    host.stderr.isTerminal = true;
    const log: string[] = [];
    host.stdout.onWrite = (text) => log.push(`out ${JSON.stringify(text)}`);
    host.stderr.onWrite = (text) => log.push(`err ${JSON.stringify(text)}`);
    const screen = new Screen(host, { progress: true });
    const progress = () => {
      nowMs += 1000;
      screen.progress({ cycle: 2e6, icount: 1e6, events: 12 });
    };
    return { screen, log, progress };
  }

  it('shows progress where the guest has ended its line, and wipes it', () => {
    const { screen, log, progress } = shared();
    progress();
    expect(log.pop()).toContain('2 M cycles, 1 MIPS, 12 events');
    screen.write(bytes('login: '));
    screen.flush();
    expect(log).toEqual(['err "\\r\\u001b[K"', 'out "login: "']);
    progress();
    expect(log).toHaveLength(2);
    screen.say('done');
    expect(log.slice(2)).toEqual(['out "\\n"', 'err "done\\n"']);
  });

  it('shows no progress on a file', () => {
    const host = new FakeHost();
    const screen = new Screen(host, { progress: true });
    for (let time = 0; time < 3; time++) screen.progress({ cycle: 1, icount: 1, events: 1 });
    screen.close();
    expect(host.stderr.text).toBe('');
  });

  it('passes on all bytes in order, however many', () => {
    const host = new FakeHost();
    const screen = new Screen(host, { progress: false });
    const parts = ['a'.repeat(10_000), 'b'.repeat(10_000), 'c'.repeat(40_000), 'd\n'];
    for (const part of parts) screen.write(bytes(part));
    screen.close();
    expect(host.stdout.text).toBe(parts.join(''));
    expect(screen.bytesWritten).toBe(60_002);
  });
});

describe('text of a trace', () => {
  it('cannot steer a terminal', () => {
    expect(printable('a\x1b[2Jb\x9bc\r\u202ed\ne\tf')).toBe('a\ufffd[2Jb\ufffdc\ufffd\ufffdd\ne\tf');
  });
});
