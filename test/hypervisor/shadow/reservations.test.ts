/** A reservation on an entry of a page table ends when A or D is set in it, by the hart's walk or by the hypervisor's for it. */
import { expect, it } from 'vitest';
import { TrapAndEmulate } from '../../../src/hypervisor/modes/trap-and-emulate.ts';
import { PRIVILEGE } from '../../../src/machine/machine-types.ts';
import { assemble } from '../../support/assembler.ts';
import { PAGE, PTE, RAM, RWX } from '../../support/machine-rig.ts';
import { ProcessorHost } from '../../support/processor-host.ts';
import { shadowMachine } from '../../support/shadow-machine.ts';

const ROOT = RAM + 0x10_0000;
/** Maps RAM once more, at 5 GiB, by an entry that nothing has gone through yet. */
const VIEW_INDEX = 5;
const VIEW = VIEW_INDEX * 2 ** 30;
const ENTRY = ROOT + 8 * VIEW_INDEX;

/** What SC gives after LR of the entry, with an access in between. */
function run(access: string, flags: number, isShadowed: boolean): { failed: bigint | undefined; entry: bigint } {
  const machine = shadowMachine({ hostPages: 64 });
  const { memory } = machine;
  const program = assemble(
    `li s0, ${ENTRY}; li s1, ${VIEW + 0x18_0000}; li s2, 7
     lr.d t0, zero, (s0)
     ${access}
     sc.d s2, t0, (s0)
     done: j done
     handler: j handler`,
    RAM,
  );
  memory.writeBytes(RAM, program.bytes);
  memory.write64(ROOT + 16, (BigInt(RAM / PAGE) << 10n) | BigInt(RWX));
  memory.write64(ENTRY, (BigInt(RAM / PAGE) << 10n) | BigInt(flags));
  machine.reset(0, { pc: BigInt(RAM), a0: 0n, a1: 0n, privilege: PRIVILEGE.M });
  const hart = machine.harts[0];
  hart?.setCsr('pmpaddr0', (1n << 54n) - 1n);
  hart?.setCsr('pmpcfg0', 0x1fn);
  hart?.setCsr('medeleg', 0xb3ffn);
  hart?.setCsr('stvec', BigInt(program.address('handler')));
  hart?.setCsr('satp', (8n << 60n) | BigInt(ROOT / PAGE));
  if (hart) hart.privilege = PRIVILEGE.S;
  if (isShadowed) {
    const processor = new TrapAndEmulate(machine);
    processor.start(0);
    new ProcessorHost(machine, processor).run(0, 2000);
  } else {
    machine.run(0, 2000);
  }
  expect(hart?.pc).toBe(BigInt(program.address('done')));
  return { failed: hart?.x(18), entry: memory.read64(ENTRY) };
}

it.each([
  ['a read that sets A', 'ld t1, 0(s1)', RWX & ~(PTE.A | PTE.D), 1n],
  ['a write that sets D', 'sd zero, 0(s1)', RWX & ~PTE.D, 1n],
  ['a read that sets nothing', 'ld t1, 0(s1)', RWX & ~PTE.D, 0n],
  ['no access', 'nop', RWX & ~(PTE.A | PTE.D), 0n],
] as const)('after %s', (_, access, flags, failed) => {
  const native = run(access, flags, false);
  expect(native.failed).toBe(failed);
  expect(run(access, flags, true)).toEqual(native);
});
