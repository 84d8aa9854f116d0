/** Predictions from traces that are made here: what they are made of adds up, and what nothing can be predicted from is refused. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ITEMS } from '../../src/analysis/whatif/items.ts';
import { type Prediction, TARGET_MODES, type TargetMode, whatif } from '../../src/analysis/whatif/whatif.ts';
import { COST_PROFILE_NAMES, costProfile } from '../../src/hypervisor/costs.ts';
import { openTrace, type TraceReader } from '../../src/trace/reader.ts';
import { paratrace, Scratch } from '../cli/fake-host.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

async function record(workload: string, iterations: number, ...more: string[]): Promise<string> {
  const path = scratch.path(`${[workload, iterations, ...more].join('-')}.pvt`);
  const what = ['--workload', workload, '--iterations', String(iterations)];
  const { code } = await paratrace(['record', 'mini-os', ...what, '--mode', 'pv', ...more, '-q', '-o', path]);
  expect(code).toBe(0);
  return path;
}

const costs = costProfile('rocket-kvm-2023');
let path: string;
let trace: TraceReader;
beforeAll(async () => {
  path = await record('fork', 3);
  trace = openTrace(readFileSync(path));
});

describe('a prediction', () => {
  it.each(TARGET_MODES)('for %s has parts that add up to it', (mode) => {
    const predicted = whatif(trace, mode, costs);
    const { cycles, guestCycles, hypervisorCycles, platformCycles, idleCycles, items, byCause } = predicted;
    expect(guestCycles + hypervisorCycles + platformCycles + idleCycles).toBe(cycles);
    const sum = (numbers: readonly number[]) => numbers.reduce((all, number) => all + number, 0);
    expect(sum(items.map((item) => item.cycles))).toBe(hypervisorCycles + platformCycles);
    expect(sum(Object.values(byCause).map((cause) => cause.cycles))).toBe(hypervisorCycles);
    expect(sum(Object.values(byCause).map((cause) => cause.exits))).toBe(predicted.exits);
    expect(sum(Object.values(predicted.certainty))).toBeCloseTo(1);
    expect(predicted.walkCycles).toBeLessThan(guestCycles);
    for (const { item, count } of items) {
      expect(ITEMS[item].about).not.toBe('');
      expect(count).toBeGreaterThan(0);
    }
  });

  it('is the same each time, and leaves the trace as it is', () => {
    expect(whatif(trace, 'full', costs)).toEqual(whatif(trace, 'full', costs));
  });

  it('has exits only where the mode has', () => {
    expect(whatif(trace, 'native', costs)).toMatchObject({ exits: 0, hypervisorCycles: 0 });
    const causes = (mode: TargetMode) =>
      Object.entries(whatif(trace, mode, costs).byCause)
        .filter(([, { cycles }]) => cycles > 0)
        .map(([cause]) => cause);
    expect(causes('full')).toEqual(expect.arrayContaining(['sensitive', 'bounces', 'shadow', 'devices']));
    expect(causes('hvm')).toEqual(expect.arrayContaining(['secondStage', 'devices']));
    expect(causes('hvm')).not.toEqual(expect.arrayContaining(['sensitive']));
    expect(causes('pvh')).toContain('notifications');
  });

  it('has nothing at the interrupt controller where devices come by event channels', () => {
    const disk = openTrace(readFileSync(new URL('../../traces/mini-os-disk-read-pv.pvt', import.meta.url)));
    const about = (mode: TargetMode) => whatif(disk, mode, costs).items.map(({ about }) => about);
    for (const item of ['interrupts claimed', 'interrupts completed']) {
      expect(about('hvm-pv')).toContain(item);
      expect(about('pvh')).not.toContain(item);
    }
    expect(about('pvh')).toContain('events sent to ports');
    expect(whatif(disk, 'pvh', costs).exits).toBeLessThan(whatif(disk, 'hvm-pv', costs).exits);
  });

  it('follows the prices, one by one', () => {
    const items = (profile: string): Prediction['items'] => whatif(trace, 'full', costProfile(profile)).items;
    const price = ({ cycles, count }: Prediction['items'][number]) => cycles / count;
    for (const profile of COST_PROFILE_NAMES) {
      const { primitives } = costProfile(profile);
      for (const row of items(profile)) {
        const { entry, handling, return: back } = primitives[ITEMS[row.item].primitive];
        expect(price(row), `${profile} ${row.item}`).toBe(entry.cycles + handling.cycles + back.cycles);
      }
    }
  });

  it('of more work is more', async () => {
    const more = openTrace(readFileSync(await record('fork', 6)));
    for (const mode of TARGET_MODES) {
      expect(whatif(more, mode, costs).cycles).toBeGreaterThan(whatif(trace, mode, costs).cycles);
    }
  });
});

describe('what nothing can be predicted from', () => {
  const refusal = (of: Parameters<typeof whatif>[0]) => () => whatif(of, 'full', costs);
  const like = (other: object) => Object.assign(Object.create(trace) as TraceReader, other);

  it('is a trace of another mode', () => {
    const config = { ...trace.header.config, mode: 'hvm' as const };
    const of = like({});
    Object.defineProperty(of, 'header', { value: { ...trace.header, config } });
    expect(refusal(of)).toThrow('the trace was recorded in mode hvm; a prediction is made from one of mode pv');
  });

  it('is a trace of several harts', () => {
    const of = like({});
    Object.defineProperty(of, 'header', {
      value: { ...trace.header, config: { ...trace.header.config, hartCount: 2 } },
    });
    expect(refusal(of)).toThrow('the trace has 2 harts; a prediction is made for one');
  });

  it('is a trace without counters, or without an end', () => {
    const { header, end } = trace;
    const events = () => trace.events();
    expect(refusal({ header, end, events, *counters() {} })).toThrow(
      'no counters: it was recorded by an older version',
    );
    expect(refusal({ header, end: undefined, events, counters: () => trace.counters() })).toThrow('it was cut off');
  });
});

describe('paratrace whatif', () => {
  it('prints tables, or one object', async () => {
    const { code, stdout } = await paratrace(['whatif', path, '--as', 'hvm']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^predicted +hvm, rocket-kvm-2023: [\d,]+ cycles$/m);
    expect(stdout).toMatch(/^first touches of pages +counters +\d+ /m);
    const json = await paratrace(['whatif', path, '--as', 'hvm', '--costs', 'kvm-ept-ivb-2019', '--json']);
    const wanted = whatif(trace, 'hvm', costProfile('kvm-ept-ivb-2019'));
    expect(JSON.parse(json.stdout)).toMatchObject(JSON.parse(JSON.stringify(wanted)));
  });

  it('says what is wrong, and what to do', async () => {
    const native = scratch.path('hvm.pvt');
    await paratrace([
      'record',
      'mini-os',
      '--workload',
      'syscall',
      '--iterations',
      '1',
      '--mode',
      'hvm',
      '-q',
      '-o',
      native,
    ]);
    const other = await paratrace(['whatif', native, '--as', 'full']);
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/whatif\.trace: the trace was recorded in mode hvm;[\s\S]*hvm\.pvt/);
    expect((await paratrace(['whatif', path, '--as', 'full', '--costs', 'none'])).stderr).toContain(
      "unknown cost profile 'none'",
    );
    expect((await paratrace(['whatif', path])).code).toBe(2);
    expect((await paratrace(['whatif', path, '--as', 'pv'])).code).toBe(2);
  });
});
