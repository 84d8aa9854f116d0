/**
 * Published costs in cycles, as they were found: a pure table. Nothing is filled in here; the other files of this folder do that, by
 * rules they name.
 *
 * A fact is a number with its source; null says that nothing published was found. Keys of the facts: `hypercall` is the round
 * trip with a null handler, `exit`, `handle_null` and `enter` its parts, `hw_roundtrip` what of it the hardware takes; `mmio_kernel`
 * and `mmio_user` one device-register access served in the hypervisor or in a user-space device model, `pio`, `pio_*` and `io_*` the
 * same over ports; `ipi`, `irq_deliver`, `irq_complete`, `timer`; `vm_switch`; `s2_fault` a second-stage fault that allocates a page;
 * `shadow_fill` the first touch of a page under shadow paging; `pt_base` a page-table base switch; `pte_write` one page-table entry
 * written; `priv_write` one privileged register written; `guest_fault` a page fault that the guest handles, `prot_fault` a protection
 * fault, `divzero` a division by zero; `syscall`. `*_extra` is what comes on top of native. Numbers of two x86 profiles must not be
 * combined: clock rates and years differ. A profile and its `baseline` are one study on one machine, and may be.
 *
 * Sources by their short names: DuVisor (Chen et al., OSDI 2023 and its artifact), First Look (Sa, Martins, Pinto: A First Look at
 * RISC-V Virtualization, 2021), TwinVisor (SOSP 2021), ISCA16 (Dall et al.: ARM Virtualization, ISCA 2016), ATC17 (Dall et al.,
 * USENIX ATC 2017), HyperBench (2019), ASPLOS06 (Adams, Agesen), ATC12 (Agesen et al.), SOSP03 (Barham et al.: Xen and the Art of
 * Virtualization, SOSP 2003), `KVM list` (mailing list), kvm-unit-tests.
 */
import type { CostFact } from './cost-fact.ts';

/**
 * How a guest kernel came to its privileged operations on the machine that was measured: `assisted` in a privileged mode of its own
 * (VS mode, VT-x, EL1), `translated` by binary translation, `asked` by hypercalls of a modified kernel, `bare` without a hypervisor.
 */
export type Technique = 'assisted' | 'translated' | 'asked' | 'bare';

export interface PublishedProfile {
  readonly clockMhz: number | null;
  readonly isa: string;
  readonly paging: string | null;
  readonly technique: Technique;
  /** The same machine without a hypervisor, measured by the same people. */
  readonly baseline?: string;
  readonly facts: Readonly<Record<string, CostFact | null>>;
}

/** Clock of the Xeon of SOSP03, MHz: its tables are in microseconds. */
const SOSP03_MHZ = 2400;
/** Clock that cycles of Rocket are given at, MHz. */
const ROCKET_MHZ = 3200;

export const PUBLISHED_PROFILES: Readonly<Record<string, PublishedProfile>> = {
  'rocket-kvm-2023': {
    clockMhz: 3200,
    isa: 'rv64+H',
    paging: 'two-stage',
    technique: 'assisted',
    facts: {
      hypercall: { cycles: 618, status: 'V', source: 'DuVisor OSDI23 Fig/Table; rerun 645' },
      exit: { cycles: 212, status: 'V', source: 'DuVisor' },
      handle_null: { cycles: 18, status: 'V', source: 'DuVisor' },
      enter: { cycles: 388, status: 'V', source: 'DuVisor' },
      s2_fault: { cycles: 6344, status: 'V', source: 'DuVisor; rerun 5500' },
      mmio_user: { cycles: 4758, status: 'V', source: 'DuVisor; rerun 5837; DuVisor Table 3 total 7202' },
      mmio_kernel: null,
      ipi: { cycles: 4692, status: 'V', source: 'DuVisor' },
      irq_deliver: { cycles: 4084, status: 'V', source: 'DuVisor; rerun 10437' },
      walk_refs_max: { cycles: 15, status: 'D', source: '(3+1)(3+1)-1' },
    },
  },
  'rocket-duvisor-2023': {
    clockMhz: 3200,
    isa: 'rv64+H',
    paging: 'two-stage',
    technique: 'assisted',
    facts: {
      hypercall: { cycles: 214, status: 'V', source: 'DuVisor; rerun 199' },
      exit: { cycles: 56, status: 'V', source: 'DuVisor' },
      enter: { cycles: 50, status: 'V', source: 'DuVisor' },
      s2_fault: { cycles: 694, status: 'V', source: 'DuVisor' },
      mmio_user: { cycles: 494, status: 'V', source: 'DuVisor' },
      ipi: { cycles: 147, status: 'V', source: 'DuVisor, posted interrupt' },
      irq_deliver: { cycles: 184, status: 'V', source: 'DuVisor; rerun 220' },
    },
  },
  'rocket-hext-2021': {
    clockMhz: 3200,
    isa: 'rv64+H v0.6.1',
    paging: 'two-stage, static (Bao)',
    technique: 'assisted',
    facts: {
      irq_native: nanoseconds(80, 'First Look'),
      irq_deliver: nanoseconds(740, 'First Look, PLIC trapped'),
      irq_deliver_hi: nanoseconds(2280, 'First Look, interference'),
      mibench_overhead_pct: { cycles: 1, status: 'V', source: 'First Look' },
      hypercall: null,
      mmio_user: null,
    },
  },
  'a55-kvm-2021': {
    clockMhz: null,
    isa: 'armv8',
    paging: 'two-stage',
    technique: 'assisted',
    facts: {
      hypercall: { cycles: 3258, status: 'V', source: 'TwinVisor Table 4' },
      s2_fault: { cycles: 13249, status: 'V', source: 'TwinVisor Table 4' },
      ipi: { cycles: 8254, status: 'V', source: 'TwinVisor Table 4' },
    },
  },
  'kvm-arm-2016': {
    clockMhz: 2400,
    isa: 'armv8',
    paging: 'two-stage',
    technique: 'assisted',
    facts: {
      hypercall: { cycles: 6500, status: 'Q', source: 'ISCA16 Table II' },
      mmio_kernel: { cycles: 7370, status: 'Q', source: 'ISCA16 ICT' },
      ipi: { cycles: 11557, status: 'M', source: 'ISCA16' },
      irq_complete: { cycles: 71, status: 'Q', source: 'ISCA16' },
      vm_switch: { cycles: 10387, status: 'M', source: 'ISCA16' },
      io_out: { cycles: 6024, status: 'Q', source: 'ISCA16' },
      io_in: { cycles: 13872, status: 'M', source: 'ISCA16' },
      vgic_save: { cycles: 3250, status: 'Q', source: 'ISCA16 Table III' },
    },
  },
  'xen-arm-2016': {
    clockMhz: 2400,
    isa: 'armv8',
    paging: 'two-stage',
    technique: 'assisted',
    facts: {
      hypercall: { cycles: 376, status: 'M', source: 'ISCA16' },
      mmio_kernel: { cycles: 1356, status: 'Q', source: 'ISCA16' },
      ipi: { cycles: 5978, status: 'M', source: 'ISCA16' },
      irq_complete: { cycles: 71, status: 'M', source: 'ISCA16' },
      vm_switch: { cycles: 8799, status: 'M', source: 'ISCA16' },
      io_out: { cycles: 16491, status: 'M', source: 'ISCA16' },
      io_in: { cycles: 15650, status: 'M', source: 'ISCA16' },
    },
  },
  'kvm-x86-2016': {
    clockMhz: 2100,
    isa: 'x86-64',
    paging: 'two-stage',
    technique: 'assisted',
    facts: {
      hypercall: { cycles: 1300, status: 'Q', source: 'ISCA16' },
      mmio_kernel: { cycles: 2384, status: 'M', source: 'ISCA16' },
      ipi: { cycles: 5230, status: 'M', source: 'ISCA16' },
      irq_complete: { cycles: 1556, status: 'Q', source: 'ISCA16' },
      vm_switch: { cycles: 4812, status: 'M', source: 'ISCA16' },
      io_out: { cycles: 560, status: 'Q', source: 'ISCA16' },
      io_in: { cycles: 18923, status: 'M', source: 'ISCA16' },
    },
  },
  'xen-x86-2016': {
    clockMhz: 2100,
    isa: 'x86-64',
    paging: 'two-stage',
    technique: 'assisted',
    facts: {
      hypercall: { cycles: 1228, status: 'M', source: 'ISCA16' },
      mmio_kernel: { cycles: 1734, status: 'M', source: 'ISCA16' },
      ipi: { cycles: 5562, status: 'M', source: 'ISCA16' },
      irq_complete: { cycles: 1464, status: 'M', source: 'ISCA16' },
      vm_switch: { cycles: 10534, status: 'M', source: 'ISCA16' },
      io_out: { cycles: 11262, status: 'M', source: 'ISCA16' },
      io_in: { cycles: 10050, status: 'M', source: 'ISCA16' },
    },
  },
  'kvm-arm-2017': {
    clockMhz: null,
    isa: 'armv8',
    paging: 'two-stage',
    technique: 'assisted',
    facts: {
      hypercall: { cycles: 6413, status: 'Q', source: 'ATC17 Tab 2' },
      mmio_kernel: { cycles: 8034, status: 'Q', source: 'ATC17' },
      mmio_user: { cycles: 10012, status: 'Q', source: 'ATC17' },
      ipi: { cycles: 13121, status: 'Q', source: 'ATC17' },
    },
  },
  'kvm-arm-vhe-2017': {
    clockMhz: null,
    isa: 'armv8',
    paging: 'two-stage',
    technique: 'assisted',
    facts: {
      hypercall: { cycles: 752, status: 'Q', source: 'ATC17 Tab 2' },
      mmio_kernel: { cycles: 1604, status: 'Q', source: 'ATC17' },
      mmio_user: { cycles: 7630, status: 'Q', source: 'ATC17' },
      ipi: { cycles: 2526, status: 'Q', source: 'ATC17' },
    },
  },
  'kvm-x86-2017': {
    clockMhz: null,
    isa: 'x86-64',
    paging: 'two-stage',
    technique: 'assisted',
    facts: {
      hypercall: { cycles: 1437, status: 'Q', source: 'ATC17 Tab 2' },
      mmio_kernel: { cycles: 2565, status: 'Q', source: 'ATC17' },
      mmio_user: { cycles: 6732, status: 'Q', source: 'ATC17' },
      ipi: { cycles: 3102, status: 'Q', source: 'ATC17' },
    },
  },
  'native-ivb-2019': {
    clockMhz: 2000,
    isa: 'x86-64',
    paging: null,
    technique: 'bare',
    facts: {
      pt_base: { cycles: 215, status: 'V', source: 'HyperBench T3' },
      ipi: { cycles: 2409, status: 'V', source: 'HyperBench T3' },
      mem_hot: { cycles: 87, status: 'V', source: 'HyperBench T3' },
      mem_cold: { cycles: 834, status: 'V', source: 'HyperBench T3' },
      pio: { cycles: 3351, status: 'V', source: 'HyperBench T3, real serial port' },
    },
  },
  'kvm-ept-ivb-2019': {
    clockMhz: 2000,
    isa: 'x86-64',
    paging: 'two-stage',
    technique: 'assisted',
    baseline: 'native-ivb-2019',
    facts: {
      hypercall: { cycles: 1470, status: 'V', source: 'HyperBench T3' },
      pt_base: { cycles: 297, status: 'V', source: 'HyperBench T3' },
      ipi: { cycles: 5741, status: 'V', source: 'HyperBench T3, halted' },
      ipi_running: { cycles: 3375, status: 'V', source: 'HyperBench 6.3' },
      mem_hot: { cycles: 89, status: 'V', source: 'HyperBench T3' },
      mem_cold: { cycles: 1150, status: 'V', source: 'HyperBench T3' },
      pio_in_user: { cycles: 8370, status: 'V', source: 'HyperBench T3' },
      pio_out_user: { cycles: 6239, status: 'V', source: 'HyperBench T3' },
    },
  },
  'kvm-spt-ivb-2019': {
    clockMhz: 2000,
    isa: 'x86-64',
    paging: 'shadow',
    technique: 'assisted',
    baseline: 'native-ivb-2019',
    facts: {
      hypercall: { cycles: 2677, status: 'V', source: 'HyperBench T3' },
      pt_base: { cycles: 3178, status: 'V', source: 'HyperBench T3' },
      ipi: { cycles: 6435, status: 'V', source: 'HyperBench T3' },
      mem_hot: { cycles: 88, status: 'V', source: 'HyperBench T3' },
      mem_cold: { cycles: 11245, status: 'V', source: 'HyperBench T3' },
      shadow_fill: { cycles: 10095, status: 'D', source: '11245-1150' },
      pio_in_user: { cycles: 12325, status: 'V', source: 'HyperBench T3' },
      pio_out_user: { cycles: 9684, status: 'V', source: 'HyperBench T3' },
    },
  },
  'xen-hvm-ivb-2019': {
    clockMhz: 2000,
    isa: 'x86-64',
    paging: 'two-stage',
    technique: 'assisted',
    baseline: 'native-ivb-2019',
    facts: {
      hypercall: { cycles: 1430, status: 'V', source: 'HyperBench T3' },
      pt_base: { cycles: 296, status: 'V', source: 'HyperBench T3' },
      ipi: { cycles: 6368, status: 'V', source: 'HyperBench T3' },
      mem_hot: { cycles: 91, status: 'V', source: 'HyperBench T3' },
      mem_cold: { cycles: 1134, status: 'V', source: 'HyperBench T3' },
      pio_in_user: { cycles: 36060, status: 'V', source: 'HyperBench T3' },
      pio_out_user: { cycles: 35532, status: 'V', source: 'HyperBench T3' },
    },
  },
  'kvm-x86-2012': {
    clockMhz: null,
    isa: 'x86-64',
    paging: null,
    technique: 'assisted',
    facts: {
      hypercall: { cycles: 3898, status: 'V', source: 'kvm-unit-tests 00bfecaa' },
      mmio_kernel: { cycles: 7237, status: 'V', source: 'inl_from_kernel' },
      pio_out_kernel: { cycles: 4451, status: 'V', source: 'outl_to_kernel' },
      mmio_user: { cycles: 20574, status: 'V', source: 'inl_from_qemu' },
      user_exit: { cycles: 13337, status: 'D', source: '20574-7237' },
      decode_emulate: { cycles: 3339, status: 'D', source: '7237-3898' },
    },
  },
  'kvm-x86-2020': {
    clockMhz: null,
    isa: 'x86-64',
    paging: null,
    technique: 'assisted',
    facts: {
      hypercall: { cycles: 1529, status: 'V', source: 'KVM list, SKX' },
      ipi: { cycles: 3293, status: 'V', source: 'KVM list, SKX' },
      timer: { cycles: 5285, status: 'V', source: 'KVM list tscdeadline' },
      timer_immediate: { cycles: 2495, status: 'V', source: 'KVM list' },
    },
  },
  'native-p4-2006': {
    clockMhz: 3800,
    isa: 'x86',
    paging: null,
    technique: 'bare',
    facts: {
      syscall: { cycles: 242, status: 'M', source: 'ASPLOS06' },
      pio: { cycles: 3209, status: 'Q', source: 'ASPLOS06' },
      priv_write: { cycles: 140, status: 'D', source: '4 x 35' },
      call_ret: { cycles: 11, status: 'Q', source: 'ASPLOS06' },
      guest_fault: { cycles: 1093, status: 'Q', source: 'ASPLOS06' },
      divzero: { cycles: 889, status: 'Q', source: 'ASPLOS06' },
      pte_write: { cycles: 1, status: 'Q', source: 'ASPLOS06' },
    },
  },
  'sw-vmm-2006': {
    clockMhz: 3800,
    isa: 'x86',
    paging: 'shadow, binary translation',
    technique: 'translated',
    baseline: 'native-p4-2006',
    facts: {
      syscall: { cycles: 2308, status: 'M', source: "ASPLOS06; 'about 2000 over native' is Q" },
      pio: { cycles: 214, status: 'D', source: '3209/15' },
      priv_write: { cycles: 35, status: 'Q', source: 'ASPLOS06' },
      call_ret: { cycles: 51, status: 'Q', source: 'ASPLOS06' },
      guest_fault: { cycles: 3927, status: 'Q', source: 'ASPLOS06' },
      divzero: { cycles: 3223, status: 'Q', source: 'ASPLOS06' },
      pte_write: { cycles: 391, status: 'Q', source: 'ASPLOS06' },
    },
  },
  'hw-vmm-2006': {
    clockMhz: 3800,
    isa: 'x86',
    paging: 'shadow, VT-x exits',
    technique: 'assisted',
    baseline: 'native-p4-2006',
    facts: {
      syscall: { cycles: 242, status: 'M', source: "ASPLOS06; '= native' is Q" },
      pio: { cycles: 15826, status: 'Q', source: 'ASPLOS06' },
      priv_write: { cycles: 140, status: 'D', source: "'close to native'" },
      call_ret: { cycles: 11, status: 'Q', source: 'ASPLOS06' },
      guest_fault: { cycles: 11242, status: 'Q', source: 'ASPLOS06' },
      divzero: { cycles: 1014, status: 'Q', source: 'ASPLOS06' },
      pte_write: { cycles: 12733, status: 'Q', source: 'ASPLOS06' },
      exit: { cycles: 1931, status: 'M', source: 'ASPLOS06 Table 1, page-fault exit' },
      enter: { cycles: 2409, status: 'M', source: 'ASPLOS06 Table 1, VM entry' },
    },
  },
  'native-xeon-2003': {
    clockMhz: 2400,
    isa: 'x86',
    paging: null,
    technique: 'bare',
    facts: {
      syscall: microseconds(0.45, 'SOSP03 Table 3'),
      prot_fault: microseconds(1.06, 'SOSP03 Table 5'),
      guest_fault: microseconds(1.42, 'SOSP03 Table 5'),
      native_ctx_switch: microseconds(0.77, 'SOSP03 Table 4'),
    },
  },
  'xen-pv-2003': {
    clockMhz: 2400,
    isa: 'x86',
    paging: 'direct, validated',
    technique: 'asked',
    baseline: 'native-xeon-2003',
    facts: {
      syscall_extra: microsecondsMore(0.46, 0.45, 'SOSP03 Table 3'),
      prot_fault_extra: microsecondsMore(1.4, 1.06, 'SOSP03 Table 5'),
      guest_fault_extra: microsecondsMore(2.73, 1.42, 'SOSP03 Table 5, 2 transitions'),
      batch_max_pte: { cycles: 2048, status: 'V', source: 'SOSP03, text: entries a batch, not cycles' },
      hypercall: null,
    },
  },
  'vmware-ws-2003': {
    clockMhz: 2400,
    isa: 'x86',
    paging: 'shadow, binary translation',
    technique: 'translated',
    baseline: 'native-xeon-2003',
    facts: {
      syscall_extra: microsecondsMore(0.73, 0.45, 'SOSP03 Table 3'),
      prot_fault_extra: microsecondsMore(7.53, 1.06, 'SOSP03 Table 5'),
      guest_fault_extra: microsecondsMore(12.4, 1.42, 'SOSP03 Table 5'),
    },
  },
  'hw-prescott-2005': hardwareOnly(3963),
  'hw-merom-2006': hardwareOnly(1579),
  'hw-penryn-2008': hardwareOnly(1266),
  'hw-nehalem-2009': hardwareOnly(1009),
  'hw-westmere-2010': hardwareOnly(761),
  'hw-sandybridge-2011': hardwareOnly(784),
};

/** A profile of which only the hardware's part of a round trip is known. */
function hardwareOnly(cycles: number): PublishedProfile {
  const facts = { hw_roundtrip: { cycles, status: 'V', source: 'ATC12 Table 1' } } as const;
  return { clockMhz: null, isa: 'x86', paging: null, technique: 'assisted', facts };
}

function nanoseconds(ns: number, source: string): CostFact {
  return {
    cycles: Math.round((ns * ROCKET_MHZ) / 1000),
    status: 'D',
    source: `${source}: ${ns} ns x ${ROCKET_MHZ} MHz`,
  };
}

function microseconds(us: number, source: string): CostFact {
  return { cycles: Math.round(us * SOSP03_MHZ), status: 'D', source: `${source}: ${us} us x ${SOSP03_MHZ} MHz` };
}

function microsecondsMore(us: number, nativeUs: number, source: string): CostFact {
  return {
    cycles: Math.round((us - nativeUs) * SOSP03_MHZ),
    status: 'D',
    source: `${source}: (${us} - ${nativeUs}) us x ${SOSP03_MHZ} MHz`,
  };
}
