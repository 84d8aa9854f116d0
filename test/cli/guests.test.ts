import { describe, expect, it } from 'vitest';
import { guestChanges } from '../../src/cli/guests.ts';
import { paratrace } from './fake-host.ts';

describe('guests --diff', () => {
  it('says what the builds of mini-os share, and what each has alone', async () => {
    const { shared, unmodified, events, paravirtual } = guestChanges('mini-os');
    for (const { files, lines, functions } of [shared, unmodified, paravirtual]) {
      expect(files).toBeGreaterThan(5);
      expect(lines).toBeGreaterThan(functions);
      expect(functions).toBeGreaterThan(files);
    }
    // The shared page and ports, and no driver of its own: a small part of what paravirtualization changes.
    expect(events.lines).toBeLessThan(paravirtual.lines / 4);
    const { code, stdout } = await paratrace(['guests', '--diff', 'mini-os']);
    expect(code).toBe(0);
    for (const { lines, functions } of [shared, unmodified, events, paravirtual]) {
      expect(stdout).toMatch(new RegExp(` ${lines.toLocaleString('en')} +${functions}\n`));
    }
    const whole = (paravirtual.lines + shared.lines).toLocaleString('en');
    expect(stdout).toContain(`${paravirtual.lines} of ${whole} lines of code (`);
    expect(JSON.parse((await paratrace(['guests', '--diff', 'mini-os', '--json'])).stdout)).toEqual({
      shared,
      unmodified,
      events,
      paravirtual,
    });
  });

  it.each([
    ['ring-tour', 'usage.option', 'ring-tour has one build only'],
    ['nobody', 'usage.guest-unknown', 'nobody'],
  ])('refuses %s', async (guest, errorCode, message) => {
    const { code, stderr } = await paratrace(['guests', '--diff', guest]);
    expect(stderr).toContain(errorCode);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
