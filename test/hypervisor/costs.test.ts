import { describe, expect, it } from 'vitest';
import { ParatraceError } from '../../src/errors.ts';
import {
  COST_PRIMITIVE_NAMES,
  COST_PRIMITIVES,
  COST_PROFILE_NAMES,
  type CostPrimitive,
  costProfile,
  DEFAULT_COST_PROFILE,
  PUBLISHED_PROFILES,
  statusOf,
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

  it('keeps published round trips whole in every profile', () => {
    for (const name of COST_PROFILE_NAMES) {
      const { primitives, published } = costProfile(name);
      for (const [fact, primitive] of [
        ['hypercall', 'hypercallKernel'],
        ['mmio_user', 'mmioUser'],
        ['mmio_kernel', 'mmioKernel'],
        ['s2_fault', 'secondStageFault'],
        ['shadow_fill', 'shadowFill'],
        ['irq_complete', 'irqComplete'],
        ['vm_switch', 'preempt'],
        ['syscall_extra', 'syscallBounce'],
        ['prot_fault_extra', 'trapBounce'],
      ] as const) {
        const known = published[fact];
        if (!known) continue;
        expect(totalCycles(primitives[primitive]), `${name} ${fact}`).toBe(known.cycles);
        expect(statusOf(primitives[primitive]), `${name} ${fact}`).toBe(known.status);
      }
    }
  });

  it('keeps published paths whole: what an execution is charged on the way adds up to what was measured', () => {
    const sum = (name: string, ...path: CostPrimitive[]) => {
      const { primitives } = costProfile(name);
      return path.reduce((cycles, primitive) => cycles + totalCycles(primitives[primitive]), 0);
    };
    // SOSP03 Table 5: a page fault under Xen is a bounce and a hypercall that installs the entry.
    expect(sum('xen-pv-2003', 'trapBounce', 'hypercallKernel', 'vaMapping', 'iret')).toBe(3144);
    expect(sum('xen-pv-2003', 'syscallBounce', 'iret')).toBe(24);
    // Under VMware it is a bounce, a store to a page table, and a hidden fault when the page is touched again.
    expect(sum('vmware-ws-2003', 'trapBounce', 'csrAccess', 'pteWrite', 'sret', 'shadowFill')).toBe(26352);
    expect(sum('vmware-ws-2003', 'syscallBounce', 'csrAccess', 'sret')).toBe(672);
    expect(sum('sw-vmm-2006', 'trapBounce', 'csrAccess', 'sret')).toBe(3927 - 1093);
    expect(sum('hw-vmm-2006', 'syscallBounce', 'csrAccess', 'sret')).toBe(0);
    expect(sum('hw-vmm-2006', 'trapBounce', 'sret')).toBe(11242 - 1093);
    expect(sum('kvm-spt-ivb-2019', 'satpCached')).toBe(3178);
    expect(sum('kvm-x86-2020', 'hypercallKernel', 'timerSet', 'timerExit', 'inject')).toBe(5285);
  });

  it('never fills a number in silently', () => {
    for (const name of COST_PROFILE_NAMES) {
      for (const [primitive, cost] of Object.entries(costProfile(name).primitives)) {
        for (const part of [cost.entry, cost.handling, cost.return, ...(cost.whole ? [cost.whole] : [])]) {
          const where = `${name} ${primitive}`;
          expect(Number.isSafeInteger(part.cycles) && part.cycles >= 0, where).toBe(true);
          expect(part.source, where).not.toBe('');
          expect(part.source.startsWith('rule: '), `${where}: ${part.source}`).toBe(part.status === 'R');
          expect(part.source, where).not.toMatch(/rule: .*rule: |undefined|NaN/);
        }
        if (cost.whole) expect(totalCycles(cost), `${name} ${primitive}`).toBe(cost.whole.cycles);
      }
    }
  });

  it('charges work without transitions', () => {
    for (const name of COST_PROFILE_NAMES) {
      for (const primitive of COST_PRIMITIVE_NAMES) {
        if (COST_PRIMITIVES[primitive].kind !== 'work') continue;
        const { entry, return: back } = costProfile(name).primitives[primitive];
        expect([entry.cycles, back.cycles], `${name} ${primitive}`).toEqual([0, 0]);
      }
    }
  });

  it('never mixes two x86 machines: a source names no study but its own and those of Rocket', () => {
    const study = (name: string): string[] =>
      Object.values(PUBLISHED_PROFILES[name]?.facts ?? {}).flatMap((fact) => (fact ? [fact.source] : []));
    const others = ['ASPLOS06', 'SOSP03', 'ISCA16', 'ATC17', 'HyperBench', 'ATC12', 'KVM list', 'TwinVisor'];
    for (const name of COST_PROFILE_NAMES) {
      const { baseline } = PUBLISHED_PROFILES[name] ?? {};
      const own = [...study(name), ...(baseline === undefined ? [] : study(baseline))].join('; ');
      for (const [primitive, cost] of Object.entries(costProfile(name).primitives)) {
        const quoted = [cost.entry, cost.handling, cost.return].map(({ source }) => source).join('; ');
        for (const other of others) {
          if (quoted.includes(other)) expect(own, `${name} ${primitive}: ${quoted}`).toContain(other);
        }
      }
    }
  });

  it('has every primitive in every profile', () => {
    for (const name of COST_PROFILE_NAMES) {
      expect(Object.keys(costProfile(name).primitives).sort()).toEqual(Object.keys(COST_PRIMITIVES).sort());
    }
  });

  it.each(['nothing', 'hw-roundtrip', 'toString', ''])('refuses %s and names what there is', (name) => {
    let error: unknown;
    try {
      costProfile(name);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ParatraceError);
    expect((error as ParatraceError).code).toBe('usage.option');
    for (const known of COST_PROFILE_NAMES) expect((error as ParatraceError).message).toContain(known);
  });
});

describe('the published table', () => {
  it('converts times by the clock of the machine, explicitly', () => {
    const facts = (name: string) =>
      Object.fromEntries(
        Object.entries(PUBLISHED_PROFILES[name]?.facts ?? {}).map(([key, fact]) => [key, fact?.cycles ?? null]),
      );
    expect(facts('native-xeon-2003')).toEqual({
      syscall: 1080,
      prot_fault: 2544,
      guest_fault: 3408,
      native_ctx_switch: 1848,
    });
    expect(facts('xen-pv-2003')).toMatchObject({ syscall_extra: 24, prot_fault_extra: 816, guest_fault_extra: 3144 });
    expect(facts('vmware-ws-2003')).toEqual({
      syscall_extra: 672,
      prot_fault_extra: 15528,
      guest_fault_extra: 26352,
    });
    expect(facts('rocket-hext-2021')).toMatchObject({ irq_native: 256, irq_deliver: 2368, irq_deliver_hi: 7296 });
    expect(PUBLISHED_PROFILES['xen-pv-2003']?.facts.prot_fault_extra?.source).toContain('(1.4 - 1.06) us x 2400 MHz');
  });

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
