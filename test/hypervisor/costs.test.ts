import { describe, expect, it } from 'vitest';
import { ParatraceError } from '../../src/errors.ts';
import { PUBLISHED_PROFILES } from '../../src/hypervisor/cost-profiles.ts';
import {
  COST_PRIMITIVES,
  COST_PROFILE_NAMES,
  type CostPrimitive,
  costProfile,
  DEFAULT_COST_PROFILE,
  totalCycles,
} from '../../src/hypervisor/costs.ts';

describe('costProfile', () => {
  it('takes the published parts of Rocket under KVM as they are', () => {
    const { primitives } = costProfile(DEFAULT_COST_PROFILE);
    const parts = (name: CostPrimitive) => {
      const { entry, handling, return: back } = primitives[name];
      return [entry.cycles, handling.cycles, back.cycles];
    };
    expect(parts('hypercallKernel')).toEqual([212, 18, 388]);
    expect(totalCycles(primitives.mmioUser)).toBe(4758);
    expect(totalCycles(primitives.external) + totalCycles(primitives.inject)).toBe(4084);
    expect(totalCycles(primitives.hypercallKernel) + totalCycles(primitives.remoteHart)).toBe(4692);
  });

  it('adds up to the published round trips in every profile', () => {
    for (const name of COST_PROFILE_NAMES) {
      const { primitives, published } = costProfile(name);
      expect(totalCycles(primitives.hypercallKernel), name).toBe(published.hypercall?.cycles);
      for (const [fact, primitive] of [
        ['mmio_user', 'mmioUser'],
        ['mmio_kernel', 'mmioKernel'],
      ] as const) {
        const cycles = published[fact]?.cycles;
        if (cycles !== undefined) expect(totalCycles(primitives[primitive]), `${name} ${fact}`).toBe(cycles);
      }
    }
  });

  it('never fills a number in silently', () => {
    for (const name of COST_PROFILE_NAMES) {
      for (const [primitive, cost] of Object.entries(costProfile(name).primitives)) {
        for (const part of [cost.entry, cost.handling, cost.return]) {
          const where = `${name} ${primitive}`;
          expect(Number.isSafeInteger(part.cycles) && part.cycles >= 0, where).toBe(true);
          expect(part.source, where).not.toBe('');
          if (part.status === 'R') expect(part.source, where).toMatch(/^rule: /);
        }
      }
    }
  });

  it('has every primitive in every profile', () => {
    for (const name of COST_PROFILE_NAMES) {
      expect(Object.keys(costProfile(name).primitives).sort()).toEqual(Object.keys(COST_PRIMITIVES).sort());
    }
  });

  it.each(['nothing', 'rocket-hext-2021', 'native-p4-2006', 'toString'])(
    'refuses %s and names what there is',
    (name) => {
      let error: unknown;
      try {
        costProfile(name);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(ParatraceError);
      expect((error as ParatraceError).code).toBe('usage.option');
      for (const known of COST_PROFILE_NAMES) expect((error as ParatraceError).message).toContain(known);
    },
  );
});

describe('the published table', () => {
  it('keeps what nobody published as null', () => {
    expect(PUBLISHED_PROFILES['rocket-kvm-2023']?.facts.mmio_kernel).toBeNull();
    expect(PUBLISHED_PROFILES['xen-pv-2003']?.facts.hypercall).toBeNull();
  });

  it('holds no rules, only facts with sources', () => {
    for (const { facts } of Object.values(PUBLISHED_PROFILES)) {
      for (const fact of Object.values(facts)) {
        if (fact === null) continue;
        expect(['V', 'Q', 'D', 'M']).toContain(fact.status);
        expect(fact.source).not.toBe('');
      }
    }
  });
});
