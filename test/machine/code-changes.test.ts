/** Code that changes: by stores ahead, through aliases, by other harts and by the host. Predecoded and translated code never shows. */
import { describe, expect, it } from 'vitest';
import { must } from '../../src/assert.ts';
import { ENGINE_NAMES, PRIVILEGE, STOP } from '../../src/machine/machine-types.ts';
import { assemble } from '../support/assembler.ts';
import { MachineRig, PAGE, PageTables, RAM, RWX, TIERS } from '../support/machine-rig.ts';

const wordOf = (source: string) => new DataView(assemble(source).bytes.buffer).getUint32(0, true);
const ADD_7 = wordOf('addi a0, a0, 7');
const ADD_100 = wordOf('addi a0, a0, 100');

describe.each(ENGINE_NAMES)('changed code under the %s', (engine) => {
  const rig = new MachineRig({ ...TIERS[engine], hartCount: 2 });
  const { memory } = rig.machine;

  /** Runs a loop of five rounds; `source` may change what it executes. */
  const rounds = (body: string, registers: Readonly<Record<'s0' | 's2', number | bigint>>) => {
    rig.clear();
    rig.load(`li s1, 5; loop: ${body}; addi s1, s1, -1; bne s1, zero, loop; ebreak`);
    rig.start();
    for (const name of ['s0', 's2'] as const) rig.setX(name, registers[name]);
    expect(rig.runToTrap().cause).toBe(3n);
    return rig.x('a0');
  };
  /** Where `body` begins in {@link rounds}. */
  const BODY = RAM + 4;

  it('is seen by the next instruction', () => {
    // Store, then the instruction that it changes; the first round stores what stands there already.
    expect(rounds('sw s2, 0(s0); addi a0, a0, 1', { s0: BODY + 4, s2: ADD_7 })).toBe(35n);
  });

  it.each([
    // Changes the high eight bits of the immediate alone.
    ['sb s2, 3(s0)', ADD_100 >>> 24, 103n],
    ['sh s2, 2(s0)', ADD_100 >>> 16, 100n],
    ['sw s2, 0(s0)', ADD_100, 100n],
    ['amoswap.w zero, s2, (s0)', ADD_100, 100n],
  ])('is seen after %s', (store, value, added) => {
    const body = `bne s1, s3, skip; ${store}; skip: addi a0, a0, 7`;
    rig.clear();
    const program = rig.load(`li s1, 5; addi s3, zero, 2; loop: ${body}; addi s1, s1, -1; bne s1, zero, loop; ebreak`);
    rig.start();
    rig.setX('s0', program.address('skip'));
    rig.setX('s2', value);
    rig.runToTrap();
    expect(rig.x('a0')).toBe(3n * 7n + 2n * added);
  });

  it('of 8 bytes, and across the page end, is seen in both pages', () => {
    rig.clear();
    const at = RAM + PAGE - 4;
    rig.load('addi a0, a0, 1; addi a0, a0, 2; ret', at);
    rig.load('jal ra, 0x80000ffc; sd s2, 0(s0); jal ra, 0x80000ffc; sd s3, -2(s0); jal ra, 0x80000ffc; ebreak');
    rig.start();
    rig.setX('s0', at);
    rig.setX('s2', (BigInt(ADD_100) << 32n) | BigInt(ADD_7));
    // The same two instructions, shifted: the first half of the page's last word changes, and the end of the second.
    rig.setX('s3', (BigInt(ADD_7) << 48n) | (BigInt(ADD_100) << 16n) | 0x0001n);
    rig.runToTrap();
    expect(rig.x('a0')).toBe(3n + 107n + 200n);
  });

  it('is seen in either half of an instruction that straddles two pages', () => {
    rig.clear();
    const at = RAM + PAGE - 2;
    rig.load('addi a0, a0, 7; ret', at);
    rig.load(
      'jal ra, 0x80000ffe; sh s2, 2(s0); jal ra, 0x80000ffe; sh s3, 0(s0); jal ra, 0x80000ffe; jal ra, 0x80000ffe; ebreak',
    );
    rig.start();
    rig.setX('s0', at);
    rig.setX('s2', ADD_100 >>> 16);
    // addi a1, a0, 100
    rig.setX('s3', wordOf('addi a1, a0, 100') & 0xffff);
    rig.runToTrap();
    expect([rig.x('a0'), rig.x('a1')]).toEqual([107n, 207n]);
  });

  it('that turns one 4-byte instruction into two short ones is seen from both', () => {
    rig.clear();
    const at = RAM + 0x100;
    rig.load('addi a0, a0, 7; ret', at);
    rig.load(
      'jal ra, 0x80000100; sw s2, 0(s0); jal ra, 0x80000100; jal ra, 0x80000102; sw s3, 0(s0); jal ra, 0x80000100; ebreak',
    );
    rig.start();
    rig.setX('s0', at);
    // c.addi a0, 1 and c.addi a0, 2.
    rig.setX('s2', 0x0509_0505);
    rig.setX('s3', ADD_100);
    rig.runToTrap();
    expect(rig.x('a0')).toBe(7n + 3n + 2n + 100n);
  });

  it('through another virtual address is seen', () => {
    rig.clear();
    const tables = new PageTables(rig);
    const alias = 0x4000_0000;
    tables.identity(RAM, RAM + PAGE, RWX);
    tables.map(alias, RAM, RWX);
    rig.load('li s1, 5; loop: sw s2, 0(s0); addi a0, a0, 1; addi s1, s1, -1; bne s1, zero, loop; ebreak');
    rig.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp } });
    rig.setX('s0', alias + 8);
    rig.setX('s2', ADD_7);
    rig.runToTrap();
    expect(rig.x('a0')).toBe(35n);
    // Executed through both addresses.
    rig.load('addi a0, a0, 1; jalr zero, 0(ra)', RAM + 0x100);
    rig.load('jalr ra, 0x100(s3); sw s2, 0x100(s0); jalr ra, 0x100(s4); jalr ra, 0x100(s3); ebreak');
    rig.start({ privilege: PRIVILEGE.S, csrs: { satp: tables.satp } });
    rig.setX('s0', alias);
    rig.setX('s2', ADD_7);
    rig.setX('s3', RAM);
    rig.setX('s4', alias);
    rig.runToTrap();
    expect(rig.x('a0')).toBe(15n);
  });

  it('by another hart and by the host is seen', () => {
    rig.clear();
    rig.load('addi a0, a0, 1; j 0x80000000');
    rig.load('sw s2, 0(s0); ebreak', RAM + PAGE);
    rig.start();
    rig.machine.run(0, rig.machine.clock.cycle + 1_000);
    rig.hart.pc = BigInt(RAM);
    rig.setX('a0', 0);
    rig.start({ pc: RAM + PAGE }, 1);
    rig.setX('s0', RAM, 1);
    rig.setX('s2', ADD_7, 1);
    rig.runToTrap(1);
    rig.step();
    expect(rig.x('a0')).toBe(7n);
    const writes = [
      () => memory.write32(RAM, ADD_100),
      () => memory.write64(RAM, (memory.read64(RAM) & ~0xffff_ffffn) | BigInt(ADD_7)),
      () => memory.write16(RAM + 2, ADD_100 >>> 16),
      () => memory.write8(RAM + 3, 0),
      () => memory.writeBytes(RAM, assemble('addi a0, a0, 9').bytes),
    ];
    const expected = [100n, 7n, 100n, BigInt((ADD_100 >>> 20) & 0xf), 9n];
    for (const [index, write] of writes.entries()) {
      write();
      rig.hart.pc = BigInt(RAM);
      rig.setX('a0', 0);
      rig.step();
      expect([index, rig.x('a0')]).toEqual([index, expected[index]]);
      rig.machine.run(0, rig.machine.clock.cycle + 1_000);
    }
  });

  it('in a page that is left and executed again later is seen', () => {
    rig.clear();
    rig.load('addi a0, a0, 1; ret', RAM + 2 * PAGE);
    rig.load('li s1, 4; loop: jal ra, 0x80002000; sw s2, 0(s0); addi s1, s1, -1; bne s1, zero, loop; ebreak');
    rig.start();
    rig.setX('s0', RAM + 2 * PAGE);
    rig.setX('s2', ADD_7);
    rig.runToTrap();
    expect(rig.x('a0')).toBe(22n);
  });

  it('beside data that changes all the time runs on', () => {
    const value = rounds('ld a1, 0x100(s0); addi a1, a1, 1; sd a1, 0x100(s0); add a0, a0, a1', { s0: RAM, s2: 0 });
    expect(value).toBe(1n + 2n + 3n + 4n + 5n);
    expect(memory.read64(RAM + 0x100)).toBe(5n);
  });
});

describe('more code than there is room for', () => {
  it.each(ENGINE_NAMES)('is predecoded anew, and gives the same, under the %s', (engine) => {
    // One function in each of 2,300 pages; 2,048 blocks. Twice, so that dropped pages come back.
    const pages = 2_300;
    const rig = new MachineRig({ ...TIERS[engine], memoryBytes: (pages + 8) * PAGE });
    const code = assemble('addi a0, a0, 1; add s0, s0, s2; jalr zero, 0(s0)').bytes;
    for (let page = 1; page <= pages; page++) rig.machine.memory.writeBytes(RAM + page * PAGE, code);
    const last = RAM + (pages + 1) * PAGE;
    rig.load('add s0, s4, zero; jalr zero, 0(s0)', RAM);
    rig.load('addi s3, s3, -1; beq s3, zero, done; add s0, s4, zero; jalr zero, 0(s4); done: ebreak', last);
    rig.start();
    rig.setX('s2', PAGE);
    rig.setX('s3', 2);
    rig.setX('s4', RAM + PAGE);
    const begin = rig.machine.clock.cycle;
    expect(rig.machine.run(0, begin + 10_000_000)).toBe(STOP.wfi);
    expect(rig.x('a0')).toBe(BigInt(2 * pages));
    const { alu, jumpIndirect } = rig.machine.config.core.cycles;
    expect(rig.machine.clock.cycle - begin).toBeGreaterThan(2 * pages * (2 * alu + jumpIndirect));
    // Stores to pages whose blocks were dropped, and to one that has come back, work.
    rig.machine.memory.write32(RAM + PAGE, ADD_7);
    must(rig.hart, 'hart').pc = BigInt(RAM + PAGE);
    rig.setX('a0', 0);
    rig.step();
    expect(rig.x('a0')).toBe(7n);
  });
});
