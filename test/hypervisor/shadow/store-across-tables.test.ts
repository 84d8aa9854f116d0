/** A store across two tables that are both roots in use: neither can be let go of, and the store has to go on all the same. */
import { expect, it } from 'vitest';
import { TrapAndEmulate } from '../../../src/hypervisor/modes/trap-and-emulate.ts';
import { PRIVILEGE } from '../../../src/machine/machine-types.ts';
import { assemble } from '../../support/assembler.ts';
import { PAGE, RAM, RWX } from '../../support/machine-rig.ts';
import { ProcessorHost } from '../../support/processor-host.ts';
import { shadowMachine } from '../../support/shadow-machine.ts';

const ROOTS = [RAM + 0x10_0000, RAM + 0x10_1000] as const;
const HOST_PAGES = 16;
/** Entry of RAM: a page of 1 GiB. */
const IDENTITY = (BigInt(RAM / PAGE) << 10n) | BigInt(RWX);

function start(source: string) {
  const machine = shadowMachine({ hostPages: HOST_PAGES, hartCount: 2 });
  const { memory } = machine;
  const program = assemble(source, RAM);
  memory.writeBytes(RAM, program.bytes);
  for (const root of ROOTS) memory.write64(root + 16, IDENTITY);
  const processor = new TrapAndEmulate(machine, { rootsMax: 5 });
  const host = new ProcessorHost(machine, processor);
  for (const [id, root] of ROOTS.entries()) {
    machine.reset(id, { pc: BigInt(RAM), a0: 0n, a1: 0n, privilege: PRIVILEGE.S });
    const hart = machine.harts[id];
    hart?.setCsr('medeleg', 0xb3ffn);
    hart?.setCsr('stvec', BigInt(program.address('handler')));
    hart?.setCsr('satp', (8n << 60n) | BigInt(root / PAGE));
    processor.start(id);
  }
  return { machine, host };
}

/** Both harts have run through their roots, so that these are shadowed. */
const STORE = `li t0, ${ROOTS[1] - 4}; ld t2, 0(t0); li t1, 0x1122334455667788; sd t1, 0(t0)
  done: j done
  handler: j handler`;

it.each([0, 1])('is performed once (hart %i)', (hart) => {
  const { machine, host } = start(STORE);
  host.run(1 - hart, machine.clock.cycle + 20);
  host.run(hart, machine.clock.cycle + 5000);
  expect(machine.memory.read64(ROOTS[1] - 8)).toBe(0x5566_7788_0000_0000n);
  expect(machine.memory.read32(ROOTS[1])).toBe(0x1122_3344);
  expect(host.exits.get('pte-write')).toBeGreaterThan(0);
});
