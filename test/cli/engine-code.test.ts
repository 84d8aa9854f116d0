/** The engine's module that comes with the program: what it would generate, and what most runs ask for. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commonEngineCode } from '../../src/cli/host/engine-code.ts';
import { CORE_PROFILES } from '../../src/machine/core-profiles.ts';
import { engineKey, generateEngine } from '../../src/machine/engine/engine.ts';
import { planMemory } from '../../src/machine/engine/layout.ts';
import type { MachineConfig } from '../../src/machine/machine-types.ts';
import { TEST_CORE } from '../support/machine-rig.ts';
import { Bundle } from './bundle.ts';
import { FakeHost, paratrace, Scratch } from './fake-host.ts';

const scratch = new Scratch();
const bundle = new Bundle(scratch.folder);

beforeAll(() => bundle.build());
afterAll(() => {
  bundle.remove();
  scratch.remove();
});

async function keysOf(...args: readonly string[]): Promise<readonly string[]> {
  const host = new FakeHost();
  const keys: string[] = [];
  host.engineCode = (key) => {
    keys.push(key);
    return undefined;
  };
  expect((await paratrace([...args], host)).code).toBe(0);
  return keys;
}

describe('the engine code of the build', () => {
  it('has the bytes that the generator gives', () => {
    const folder = dirname(bundle.command);
    const names = readdirSync(folder).filter((name) => name.endsWith('.wasm'));
    const expected = commonEngineCode();
    expect(names.sort()).toEqual(expected.map(({ name }) => name).sort());
    for (const { name, bytes } of expected) expect(readFileSync(join(folder, name)).equals(bytes), name).toBe(true);
  });

  it('is found by runs of guests of both kinds, recorded and replayed', async () => {
    const looks = ['run ring-tour', 'record ring-tour -o a.pvt', 'replay a.pvt', 'run tohost-pass'];
    for (const look of looks) {
      const found = bundle.engineCodeOf(look.split(' '));
      expect(found, look).toEqual([expect.stringMatching(/^engine-[0-9a-f]{16}\.wasm$/)]);
    }
    expect(bundle.engineCodeOf(['run', 'tohost-pass', '--memory', '64M'])).toEqual([]);
  });

  it('is asked for by what the machine is, not by the tier', async () => {
    const [interpreter] = await keysOf('run', 'tohost-pass', '--engine', 'interpreter');
    expect(await keysOf('run', 'tohost-pass', '--engine', 'translator')).toEqual([interpreter]);
    expect(await keysOf('run', 'tohost-pass', '--core', 'u74')).not.toEqual([interpreter]);
  });
});

describe('the key of the engine code', () => {
  const base: MachineConfig = {
    hartCount: 1,
    memoryBytes: 1 << 20,
    core: TEST_CORE,
    misaligned: 'hardware',
    adUpdate: 'hardware',
    supervisorCallsStop: true,
  };
  const meter = { begin() {}, end() {}, beginBackground: () => () => {} };
  const variants: readonly Partial<MachineConfig>[] = [
    { engine: 'interpreter' },
    { engine: 'translator', translator: { hotCount: 1, batchInsns: 0, background: true } },
    { engineCode: () => undefined },
    { meter },
    { hartCount: 2 },
    { memoryBytes: 1 << 21 },
    { core: { ...TEST_CORE, walkReferenceCycles: TEST_CORE.walkReferenceCycles + 1 } },
    { core: { ...TEST_CORE, cyclesPerTick: TEST_CORE.cyclesPerTick + 1 } },
    ...Object.values(CORE_PROFILES).map((core) => ({ core })),
    { misaligned: 'trap' },
    { adUpdate: 'fault' },
    { supervisorCallsStop: false },
  ];

  it.each(variants.map((variant) => [Object.entries(variant).join(), variant] as const))(
    'differs where the bytes differ: %s',
    (_, variant) => {
      const other = { ...base, ...variant };
      const bytesOf = (config: MachineConfig) => Buffer.from(generateEngine(config, planMemory(config.memoryBytes)));
      if (engineKey(other) === engineKey(base)) expect(bytesOf(other).equals(bytesOf(base))).toBe(true);
      else expect(bytesOf(other).equals(bytesOf(base))).toBe(false);
    },
  );
});
