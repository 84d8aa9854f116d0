/** The profile of real runs, by a clock that goes on by one millisecond at each look: what is in it depends on nothing else. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { must } from '../../../src/assert.ts';
import { Profile, type ProfileResult } from '../../../src/cli/profile/profile.ts';
import { PRIVILEGE, STOP } from '../../../src/machine/machine-types.ts';
import { groupDigits } from '../../../src/viz/format.ts';
import { assemble } from '../../support/assembler.ts';
import { RAM } from '../../support/machine-rig.ts';
import { EAGER_CONFIG } from '../../support/program-runner.ts';
import { FakeHost, type Outcome, paratrace, Scratch } from '../fake-host.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** Looks at the clock are counted, also those before the profile was printed: what is compiled beside the guest may arrive later. */
class TickingHost extends FakeHost {
  looks = 0;
  looksAtProfile = 0;

  constructor() {
    super();
    this.stderr.onWrite = (text) => {
      if (text.startsWith('wall time')) this.looksAtProfile = this.looks;
    };
  }

  override nowMs(): number {
    this.looks += 1;
    return this.looks;
  }
}

/** Rows of the table: milliseconds and times by name. */
function rowsOf(text: string): Map<string, { ms: number; times: number }> {
  const rows = [...text.matchAll(/^(\S.*?) {2,}(\d+\.\d) +[<\d. ]+%(?: +([\d,]+))?/gm)];
  return new Map(
    rows.map(([, name = '', ms, times = '0']) => [name, { ms: Number(ms), times: Number(times.replaceAll(',', '')) }]),
  );
}

const timesOf = (text: string, name: string) => rowsOf(text).get(name)?.times ?? 0;

describe('record --profile', () => {
  const plain = scratch.path('plain.pvt');
  const profiled = scratch.path('profiled.pvt');
  const host = new TickingHost();
  let outcome: Outcome;

  beforeAll(async () => {
    expect((await paratrace(['record', 'ring-tour', '-o', plain])).code).toBe(0);
    outcome = await paratrace(['record', 'ring-tour', '--profile', '-o', profiled], host);
  });

  it('changes neither what the guest prints nor the trace', () => {
    expect(outcome.code).toBe(0);
    expect(outcome.stdout).toContain('all checks passed');
    expect(readFileSync(profiled).equals(readFileSync(plain))).toBe(true);
  });

  it('accounts for every moment since the process began', () => {
    const rows = rowsOf(outcome.stderr);
    const total = must(rows.get('total'), 'total').ms;
    const parts = [...rows].filter(([name]) => name !== 'total').reduce((sum, [, { ms }]) => sum + ms, 0);
    expect(parts).toBe(total);
    expect(total).toBe(host.looksAtProfile);
  });

  it('counts what the trace has', async () => {
    const statistics = JSON.parse((await paratrace(['stat', profiled, '--json'])).stdout);
    const calls = statistics.reasons.filter(({ kind }: { kind: string }) => kind === 'hypercall');
    const count = calls.reduce((sum: number, row: { count: number }) => sum + row.count, 0);
    expect(count).toBeGreaterThan(0);
    expect(timesOf(outcome.stderr, 'exits: SBI call')).toBe(count);
    const [hart] = statistics.harts;
    expect(timesOf(outcome.stderr, 'exits: interrupt taken')).toBe(hart.interrupts);
    // Each event, the inputs, the digests and the end are told to the recorder.
    expect(timesOf(outcome.stderr, 'trace: encoding')).toBeGreaterThan(statistics.events);
  });

  it('counts each device access at its device', () => {
    const rows = rowsOf(outcome.stderr);
    const devices = [...rows].filter(([name]) => name.startsWith('device: '));
    const accesses = devices.reduce((sum, [, { times }]) => sum + times, 0);
    expect(accesses).toBe(timesOf(outcome.stderr, 'exits: device access'));
    expect(devices.map(([name]) => name)).toContain('device: virtio0');
  });

  it('says how large the trace is', () => {
    const bytes = groupDigits(readFileSync(profiled).length);
    expect(outcome.stderr).toMatch(new RegExp(`^trace +${bytes} bytes$`, 'm'));
  });
});

describe('run', () => {
  it('prints a profile only if asked to, and only then looks at the clock for it', async () => {
    const [without, asked] = [new TickingHost(), new TickingHost()];
    expect((await paratrace(['run', 'tohost-pass'], without)).stderr).not.toContain('wall time');
    const { stderr } = await paratrace(
      ['run', 'tohost-pass', '--engine', 'interpreter', '--profile', '--quiet'],
      asked,
    );
    expect(stderr).toMatch(/^tiers +interpreter alone$/m);
    expect(without.looks).toBeLessThan(0.5 * asked.looks);
    expect(timesOf(stderr, 'exits: tohost')).toBe(1);
    expect(stderr).not.toContain('trace');
  });

  it('is profiled with both tiers in step', async () => {
    const { code, stderr } = await paratrace(['run', 'machine-tour', '--engine', 'both', '--profile']);
    expect(code).toBe(0);
    expect(timesOf(stderr, 'device: uart0')).toBeGreaterThan(0);
    expect(stderr).toMatch(/^translated /m);
  });

  it('shows the wait for input', async () => {
    const host = new TickingHost();
    host.stdin.kind = 'stream';
    let pauses = 0;
    host.onPause = () => {
      if (host.stdout.text.includes('type a line')) pauses += 1;
      if (pauses === 3) host.stdin.handlers?.end();
    };
    const { stderr } = await paratrace(['run', 'ring-tour', '--append', 'echo', '--profile'], host);
    expect(timesOf(stderr, 'waiting for input')).toBeGreaterThan(0);
  });
});

describe('the profile of a translated loop', () => {
  const ROUNDS = 100_000;

  function profileLoop(background: boolean): ProfileResult {
    let ms = 0;
    const profile = new Profile(() => ms++);
    const config = { ...EAGER_CONFIG, translator: { hotCount: 10, batchInsns: 0 } };
    const machine = profile.createMachine(config, 'translator', { background });
    const { bytes } = assemble(`li s1, ${ROUNDS}; loop: addi a0, a0, 1; addi s1, s1, -1; bne s1, zero, loop; wfi`);
    machine.memory.writeBytes(RAM, bytes);
    machine.reset(0, { pc: BigInt(RAM), a0: 0n, a1: 0n, privilege: PRIVILEGE.M });
    expect(machine.run(0, Number.POSITIVE_INFINITY)).toBe(STOP.wfi);
    return profile.result();
  }

  it('tells translation from execution, and counts what retired in regions', () => {
    const { sections, regions, instructions } = profileLoop(false);
    const msOf = (name: string) =>
      must(
        sections.find((section) => section.name === name),
        name,
      ).ms;
    for (const step of ['generating', 'compiling', 'installing']) expect(msOf(`translation: ${step}`)).toBe(1);
    expect(msOf('decoding')).toBeGreaterThan(0);
    expect(msOf('guest executes')).toBeGreaterThan(0);
    const { retired } = must(regions, 'regions');
    expect(retired).toBeGreaterThan(0.99 * instructions);
    expect(retired).toBeLessThan(instructions);
  });

  it('does not count what is compiled beside the guest', () => {
    const { sections } = profileLoop(true);
    expect(sections.find(({ name }) => name === 'translation: compiling')).toMatchObject({ ms: 0, count: 0 });
  });
});
