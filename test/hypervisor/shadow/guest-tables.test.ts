/** The walk in software against the machine's own: random tables, addresses, privileges. */
import { describe, expect, it } from 'vitest';
import { walkGuest } from '../../../src/hypervisor/shadow/guest-tables.ts';
import { PRIVILEGE } from '../../../src/machine/machine-types.ts';
import { ACCESS_TYPE } from '../../../src/machine/virtualization-types.ts';
import { createRandom, type Random } from '../../oracle/differential/random.ts';
import { MachineRig, PAGE, PAGING, type PagingName, PTE, RAM } from '../../support/machine-rig.ts';

const WALKS = 3000;
const TABLES = Array.from({ length: 6 }, (_, index) => RAM + 0x10_0000 + index * PAGE);
/** Indexes that addresses are made of, the sign of each scheme on both sides. */
const INDEXES = [0, 2, 255, 256, 511] as const;
const SUM = 1n << 18n;
const MXR = 1n << 19n;
const CODE_PAGE = RAM + 0x8000;

function randomEntry(random: Random): bigint {
  if (random.chance(2)) return (BigInt(random.pick(TABLES) / PAGE) << 10n) | BigInt(PTE.V);
  const flags = random.pick([PTE.V, PTE.V, PTE.V | PTE.A | PTE.D, random.below(1024), random.below(256) | PTE.V]);
  const leafFlags = random.chance(2) ? flags : flags | random.below(256);
  const target = random.pick([...TABLES, ...TABLES, CODE_PAGE, RAM, 0x8000_0000, 0x1_0000_0000, 2 ** 50]);
  const high = random.chance(12) ? 1n << BigInt(54 + random.below(10)) : 0n;
  return (BigInt(target / PAGE) << 10n) | BigInt(leafFlags) | high;
}

function randomAddress(random: Random, levels: number): bigint {
  let va = BigInt(8 * random.below(512));
  for (let level = 0; level < levels; level++) va |= BigInt(random.pick(INDEXES)) << BigInt(12 + 9 * level);
  const canonical = BigInt.asUintN(64, BigInt.asIntN(12 + 9 * levels, va));
  return random.chance(12) ? canonical ^ (1n << BigInt(12 + 9 * levels + random.below(52 - 9 * levels))) : canonical;
}

describe.each(Object.keys(PAGING) as PagingName[])('%s', (paging) => {
  it.each(['hardware', 'fault'] as const)('finds what the machine finds (A and D: %s)', (adUpdate) => {
    const seed = `walk ${paging} ${adUpdate}`;
    const random = createRandom(seed);
    const { levels, mode } = PAGING[paging];
    const rig = new MachineRig({ adUpdate, hostMemoryBytes: 1 << 16 });
    const { memory, hostMemory } = rig.machine;
    const kinds = { leaf: 0, 'page-fault': 0, 'access-fault': 0 };
    for (let walk = 0; walk < WALKS; walk++) {
      const name = `walk ${walk} of seed "${seed}"`;
      for (const table of TABLES) for (const index of INDEXES) memory.write64(table + 8 * index, randomEntry(random));
      const before = memory.readBytes(TABLES[0] ?? 0, TABLES.length * PAGE);
      const va = randomAddress(random, levels);
      const access = random.pick([ACCESS_TYPE.read, ACCESS_TYPE.write, ACCESS_TYPE.fetch]);
      const accessor = { supervisor: random.chance(2), sum: random.chance(2), mxr: random.chance(2) };
      const rootPa = random.pick(TABLES);
      const found = walkGuest(
        memory,
        { levels, rootPa },
        { low: Number(va & 0xffff_ffffn), high: Number(va >> 32n) },
        access,
        accessor,
        adUpdate === 'hardware' ? hostMemory : undefined,
      );
      const marked = memory.readBytes(TABLES[0] ?? 0, TABLES.length * PAGE);
      memory.writeBytes(TABLES[0] ?? 0, before);
      // MPRV: loads and stores of M-mode as of another privilege; fetches are made at that privilege itself.
      const status = (accessor.sum ? SUM : 0n) | (accessor.mxr ? MXR : 0n);
      const privilege = accessor.supervisor ? PRIVILEGE.S : PRIVILEGE.U;
      const csrs = { satp: (BigInt(mode) << 60n) | BigInt(rootPa / PAGE), mstatus: status };
      if (access === ACCESS_TYPE.fetch) rig.start({ privilege, pc: va, csrs });
      else {
        rig.load(access === ACCESS_TYPE.read ? 'lb a1, 0(a0); ebreak' : 'sb zero, 0(a0); ebreak', CODE_PAGE - PAGE);
        const mprv = { ...csrs, mstatus: status | (1n << 17n) | (accessor.supervisor ? 1n << 11n : 0n) };
        rig.start({ pc: CODE_PAGE - PAGE, csrs: mprv });
        rig.openMemory();
        rig.setX('a0', va);
      }
      rig.step();
      const hart = rig.hart;
      const cause = hart.csr('mcause');
      const offset = BigInt([13, 15, 12][access] ?? 0);
      const isPageFault = cause === offset && hart.csr('mtval') === va && hart.pc === BigInt(rig.halt);
      const isAccessFault = cause === BigInt([5, 7, 1][access] ?? 0) && hart.pc === BigInt(rig.halt);
      const isRam = found.kind === 'leaf' && memory.contains(found.page * PAGE, PAGE);
      if (found.kind === 'page-fault') expect(isPageFault, name).toBe(true);
      else if (found.kind === 'access-fault' || !isRam) expect(isAccessFault, name).toBe(true);
      else expect(isPageFault || isAccessFault, name).toBe(false);
      // A store to a table that is data as well changes more than A and D.
      if (access !== ACCESS_TYPE.write || !isRam || !TABLES.includes(found.page * PAGE)) {
        expect(Buffer.from(memory.readBytes(TABLES[0] ?? 0, TABLES.length * PAGE)).equals(marked), name).toBe(true);
      }
      kinds[found.kind]++;
    }
    for (const [kind, count] of Object.entries(kinds)) expect(count, kind).toBeGreaterThan(20);
  });
});
