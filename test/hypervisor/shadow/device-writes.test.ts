/** Devices write to guest memory past all page tables: where that is a table of the guest, its shadow must not stay what it was. */
import { describe, expect, it } from 'vitest';
import { TrapAndEmulate } from '../../../src/hypervisor/modes/trap-and-emulate.ts';
import { PRIVILEGE } from '../../../src/machine/machine-types.ts';
import { assemble } from '../../support/assembler.ts';
import { PAGE, PTE, RAM, RWX } from '../../support/machine-rig.ts';
import { ProcessorHost } from '../../support/processor-host.ts';
import { shadowMachine } from '../../support/shadow-machine.ts';

const ROOT = RAM + 0x10_0000;
const MIDDLE = ROOT + PAGE;
const LEAVES = MIDDLE + PAGE;
const [FIRST, SECOND] = [RAM + 0x18_0000, RAM + 0x18_1000];
/** The page that a leaf of its own maps. */
const VA = 0x4000_0000;

const leaf = (pa: number) => (BigInt(pa / PAGE) << 10n) | BigInt(RWX);
const pointer = (pa: number) => (BigInt(pa / PAGE) << 10n) | BigInt(PTE.V);

/** A guest that reads a word over and over, and flushes its TLB each time. */
function start() {
  const machine = shadowMachine({ hostPages: 64 });
  const { memory } = machine;
  const program = assemble(
    `li s0, ${VA}
     loop: ld s1, 0(s0); sfence.vma; j loop
     handler: j handler`,
    RAM,
  );
  memory.writeBytes(RAM, program.bytes);
  memory.write64(FIRST, 1n);
  memory.write64(SECOND, 2n);
  memory.write64(ROOT + 8 * 2, leaf(RAM));
  memory.write64(ROOT + 8, pointer(MIDDLE));
  memory.write64(MIDDLE, pointer(LEAVES));
  memory.write64(LEAVES, leaf(FIRST));
  const processor = new TrapAndEmulate(machine);
  const host = new ProcessorHost(machine, processor);
  machine.reset(0, { pc: BigInt(RAM), a0: 0n, a1: 0n, privilege: PRIVILEGE.S });
  const hart = machine.harts[0];
  hart?.setCsr('medeleg', 0xb3ffn);
  hart?.setCsr('stvec', BigInt(program.address('handler')));
  hart?.setCsr('satp', (8n << 60n) | BigInt(ROOT / PAGE));
  processor.start(0);
  const run = () => host.run(0, machine.clock.cycle + 2000);
  run();
  expect(hart?.x(9)).toBe(1n);
  return { memory, run, hart };
}

describe('a device that writes to a table', () => {
  it('maps another page by a whole entry', () => {
    const { memory, run, hart } = start();
    memory.write64(LEAVES, leaf(SECOND));
    run();
    expect(hart?.x(9)).toBe(2n);
  });

  it('maps another page by part of an entry', () => {
    const { memory, run, hart } = start();
    memory.write16(LEAVES + 1, Number((leaf(SECOND) >> 8n) & 0xffffn));
    run();
    expect(hart?.x(9)).toBe(2n);
  });

  it('maps another page by a block that begins before the table and ends behind it', () => {
    const { memory, run, hart } = start();
    const bytes = memory.readBytes(MIDDLE, 2 * PAGE + 16);
    new DataView(bytes.buffer).setBigUint64(PAGE, leaf(SECOND), true);
    memory.writeBytes(MIDDLE, bytes);
    run();
    expect(hart?.x(9)).toBe(2n);
  });

  it('unmaps what an upper table led to', () => {
    const { memory, run, hart } = start();
    memory.write64(MIDDLE, 0n);
    run();
    expect(hart?.csr('scause')).toBe(13n);
  });

  it('unmaps what a root led to that is in use', () => {
    const { memory, run, hart } = start();
    memory.writeBytes(ROOT, new Uint8Array(16));
    run();
    expect(hart?.csr('scause')).toBe(13n);
  });
});
