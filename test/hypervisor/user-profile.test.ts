import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ParatraceError } from '../../src/errors.ts';
import {
  COST_PRIMITIVE_NAMES,
  COST_PROFILE_NAMES,
  costProfile,
  countBySource,
  parseUserProfile,
  recordedProfile,
  statusOf,
  toRecordedCosts,
  totalCycles,
} from '../../src/hypervisor/costs.ts';
import { toHeaderObject } from '../../src/trace/messagepack.ts';

function errorOf(work: () => unknown): ParatraceError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ParatraceError);
    return error as ParatraceError;
  }
  throw new Error('nothing was thrown');
}

const parse = (value: unknown, file = 'boards/mine.json') => parseUserProfile(JSON.stringify(value), file);

describe('a profile of the user', () => {
  it('is its base with other prices', () => {
    const base = costProfile('xen-pv-2003');
    const profile = parse({
      extends: 'xen-pv-2003',
      primitives: { mmioUser: { entry: 1, return: 3, source: 'measured' }, inject: { handling: 0 } },
    });
    const { mmioUser, inject, ...others } = profile.primitives;
    expect(mmioUser).toEqual({
      entry: { cycles: 1, status: 'U', source: 'measured' },
      handling: base.primitives.mmioUser.handling,
      return: { cycles: 3, status: 'U', source: 'measured' },
    });
    expect(inject.handling).toEqual({ cycles: 0, status: 'U', source: 'given by mine' });
    for (const [name, cost] of Object.entries(others)) expect(cost).toEqual(base.primitives[name as 'wfi']);
    expect(profile).toMatchObject({ name: 'mine', extends: 'xen-pv-2003', isa: 'x86', clockMhz: 2400 });
    expect(countBySource(profile).given).toBe(1);
    expect(statusOf(mmioUser)).toBe('R');
  });

  it('takes all that the document says', () => {
    const profile = parse({
      name: 'a.b_c-9',
      extends: 'rocket-kvm-2023',
      about: 'x',
      isa: 'rv64',
      clockMhz: 1.5,
      primitives: { wfi: { entry: 0, handling: 1_000_000_000, return: 0 } },
    });
    expect(profile).toMatchObject({ name: 'a.b_c-9', about: 'x', isa: 'rv64', clockMhz: 1.5 });
    expect(totalCycles(profile.primitives.wfi)).toBe(1_000_000_000);
    expect(parse({ extends: 'rocket-kvm-2023' }).primitives).toEqual(costProfile('rocket-kvm-2023').primitives);
  });

  const extended = { extends: 'rocket-kvm-2023' };
  const price = (primitives: unknown) => ({ ...extended, primitives });
  const WRONG: readonly (readonly [value: unknown, names: readonly string[]])[] = [
    [[], ['the profile', '[]', 'object']],
    [null, ['null']],
    [{}, ['`extends` is missing', 'xen-pv-2003']],
    [{ extends: 'nothing' }, ['`extends`', 'nothing', 'rocket-kvm-2023']],
    [{ extends: 7 }, ['`extends` is 7']],
    [{ ...extended, prices: {} }, ['unknown key "prices"', 'primitives']],
    [{ ...extended, name: 'xen-pv-2003' }, ['xen-pv-2003', 'another `name`']],
    [{ ...extended, name: 'a b' }, ['"a b"', 'set `name`']],
    [{ ...extended, name: '' }, ['name']],
    [{ ...extended, clockMhz: 0 }, ['`clockMhz` is 0']],
    [{ ...extended, about: 5 }, ['`about` is 5']],
    [{ ...extended, isa: 'x'.repeat(501) }, ['`isa`', '500']],
    [price([]), ['`primitives`']],
    [price({ csrAcces: {} }), ['unknown key "csrAcces"', 'csrAccess']],
    [price({ csrAccess: { handling: 1, toString: 1 } }), ['unknown key "toString"']],
    [price({ csrAccess: 5 }), ['`primitives.csrAccess` is 5']],
    [price({ csrAccess: {} }), ['`primitives.csrAccess` has none of entry, handling, return']],
    [price({ csrAccess: { source: 'x' } }), ['none of']],
    [price({ csrAccess: { total: 5 } }), ['unknown key "total"', 'entry, handling, return, source']],
    [price({ csrAccess: { entry: -1 } }), ['`primitives.csrAccess.entry` is -1']],
    [price({ csrAccess: { entry: 1.5 } }), ['1.5', 'whole number']],
    [price({ csrAccess: { handling: 1_000_000_001 } }), ['1000000001', '1000000000']],
    [price({ csrAccess: { return: '5' } }), ['"5"']],
    [price({ csrAccess: { return: null } }), ['null']],
    [price({ csrAccess: { handling: 1, source: '' } }), ['source']],
    [price({ mmuUpdate: { entry: 1 } }), ['`primitives.mmuUpdate`', 'no `entry`']],
  ];
  it.each(WRONG)('%j is refused, and the error says where', (value, names) => {
    const error = errorOf(() => parse(value));
    expect(error.code).toBe('costs.profile');
    expect(error.place.file).toBe('boards/mine.json');
    for (const name of names) expect(error.message).toContain(name);
  });

  it('refuses what is not JSON, or too long, or has no name of its own', () => {
    expect(errorOf(() => parseUserProfile('{', 'x.json')).message).toContain('not JSON');
    expect(errorOf(() => parseUserProfile('{"a":1e999}', 'x.json')).message).toContain('unknown key "a"');
    const inherited = '{"extends":"rocket-kvm-2023","primitives":{"__proto__":{"handling":1}}}';
    expect(errorOf(() => parseUserProfile(inherited, 'x.json')).message).toContain('unknown key "__proto__"');
    expect(errorOf(() => parseUserProfile(' '.repeat(2 ** 20 + 1), 'x.json')).message).toContain('longer than');
    expect(errorOf(() => parse(extended, 'my board.json')).message).toContain('"my board"');
    expect(errorOf(() => parse(extended, './xen-pv-2003.json')).message).toContain('xen-pv-2003');
    expect(parse(extended, 'a\\b\\c.json').name).toBe('c');
  });

  it('is a profile that can be charged, or a typed error, whatever it is given', () => {
    const part = fc.oneof(fc.nat(), fc.integer(), fc.double(), fc.string(), fc.constant(null));
    const cost = fc.dictionary(fc.constantFrom('entry', 'handling', 'return', 'source', 'x'), part);
    const value = fc.record(
      {
        name: fc.oneof(fc.string(), fc.constantFrom('mine', ...COST_PROFILE_NAMES)),
        extends: fc.oneof(fc.constantFrom(...COST_PROFILE_NAMES), fc.string()),
        clockMhz: part,
        primitives: fc.oneof(fc.dictionary(fc.constantFrom(...COST_PRIMITIVE_NAMES, 'x'), cost), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const property = fc.property(fc.oneof(value, fc.jsonValue()), (given) => {
      let profile: ReturnType<typeof parse>;
      try {
        profile = parse(given);
      } catch (error) {
        expect((error as ParatraceError).code).toBe('costs.profile');
        return;
      }
      for (const name of COST_PRIMITIVE_NAMES) {
        const cycles = totalCycles(profile.primitives[name]);
        expect(Number.isSafeInteger(cycles) && cycles >= 0).toBe(true);
      }
    });
    fc.assert(property, { numRuns: 300 });
  });
});

describe('the profile of a trace', () => {
  it('has the prices that were recorded, and says of those of the package where they come from', () => {
    for (const name of COST_PROFILE_NAMES) {
      const profile = costProfile(name);
      const recorded = recordedProfile(toHeaderObject(toRecordedCosts(profile)), name);
      expect(recorded).toEqual({ ...profile, published: {} });
    }
  });

  it('keeps what a user says of the own prices', () => {
    const profile = parse({
      name: 'mine',
      about: 'a board',
      extends: 'rocket-kvm-2023',
      primitives: { wfi: { entry: 7, handling: 9, return: 8, source: 'a stopwatch' } },
    });
    const recorded = recordedProfile(toHeaderObject(toRecordedCosts(profile)), 'mine');
    expect(recorded).toEqual({ ...profile, published: {} });
    expect(recorded.primitives.wfi.handling).toEqual({ cycles: 9, status: 'U', source: 'a stopwatch' });
  });

  it('keeps prices that this version has no longer', () => {
    const header = JSON.parse(JSON.stringify(toRecordedCosts(costProfile('rocket-kvm-2023'))));
    header.primitives.wfi[1] += 5;
    const { wfi } = recordedProfile(header, 'rocket-kvm-2023').primitives;
    expect(wfi.handling).toEqual({
      cycles: header.primitives.wfi[1],
      status: 'U',
      source: 'recorded in the trace',
    });
    expect(wfi.entry).toEqual(costProfile('rocket-kvm-2023').primitives.wfi.entry);
    header.name = 'forgotten';
    expect(recordedProfile(header, 'forgotten').primitives.wfi.entry).toMatchObject({ status: 'U' });
  });

  it.each([
    ['nothing', null],
    ['no primitives', { name: 'a', isa: 'b', clockMhz: null }],
    ['no price', { name: 'a', isa: 'b', clockMhz: null, primitives: {} }],
    ['another name', { ...toRecordedCosts(costProfile('rocket-kvm-2023')) }],
  ])('with %s is refused', (_, header) => {
    const error = errorOf(() => recordedProfile(header, 'a'));
    expect(error.code).toBe('trace.machine');
    expect(error.message).toContain('the cost profile of the trace');
  });

  it.each([
    ['a negative number', [1, -1, 1], 'primitives.wfi`, handling'],
    ['a text for a number', ['x', 1, 1], 'primitives.wfi`, entry'],
    ['two numbers', [1, 1], 'primitives.wfi'],
    ['a source that is none', [1, 1, 1, 7], 'primitives.wfi'],
  ])('with %s is refused', (_, price, where) => {
    const header = JSON.parse(JSON.stringify(toRecordedCosts(costProfile('rocket-kvm-2023'))));
    header.primitives.wfi = price;
    expect(errorOf(() => recordedProfile(header, 'rocket-kvm-2023')).message).toContain(where);
  });
});
