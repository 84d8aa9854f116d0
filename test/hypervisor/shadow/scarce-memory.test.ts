/** Memory of the host runs out while every shadow root is in use: what the roots have below them goes, and is made again as it is needed. */
import { expect, it } from 'vitest';
import { TrapAndEmulate } from '../../../src/hypervisor/modes/trap-and-emulate.ts';
import { PRIVILEGE } from '../../../src/machine/machine-types.ts';
import { assemble } from '../../support/assembler.ts';
import { PAGE, PTE, RAM, RWX } from '../../support/machine-rig.ts';
import { ProcessorHost } from '../../support/processor-host.ts';
import { shadowMachine } from '../../support/shadow-machine.ts';

const ROOT = RAM + 0x10_0000;
const WORD = RAM + 0x18_0000;
/** The page of the word, at the start of each gigabyte from the third on, by tables of its own: each needs two shadow pages. */
const VIEWS = 16;
const FIRST_VIEW = 3;
const ROUNDS = 4;
/** Two roots for the hart, one to change to, and two ways of four pages: the least that is asked for. */
const LEAST_PAGES = 11;

const entry = (pa: number, flags: number) => (BigInt(pa / PAGE) << 10n) | BigInt(flags);

function run(hostPages: number) {
  const machine = shadowMachine({ hostPages });
  const { memory } = machine;
  const program = assemble(
    `li s0, ${ROUNDS}; li s2, 0; li s3, 1; slli s3, s3, 30; li s4, ${FIRST_VIEW}
     round: li s1, ${VIEWS}; mul t0, s3, s4
     view: ld t1, 0(t0); add s2, s2, t1; addi t1, t1, 1; sd t1, 0(t0); add t0, t0, s3; addi s1, s1, -1; bne s1, zero, view
     addi s0, s0, -1; bne s0, zero, round
     done: j done
     handler: j handler`,
    RAM,
  );
  memory.writeBytes(RAM, program.bytes);
  memory.write64(ROOT + 16, entry(RAM, RWX));
  for (let view = 0; view < VIEWS; view++) {
    const [middle, leaves] = [ROOT + (1 + 2 * view) * PAGE, ROOT + (2 + 2 * view) * PAGE];
    memory.write64(ROOT + 8 * (FIRST_VIEW + view), entry(middle, PTE.V));
    memory.write64(middle, entry(leaves, PTE.V));
    memory.write64(leaves, entry(WORD, RWX));
  }
  const processor = new TrapAndEmulate(machine, { rootsMax: 3 });
  const host = new ProcessorHost(machine, processor);
  machine.reset(0, { pc: BigInt(RAM), a0: 0n, a1: 0n, privilege: PRIVILEGE.S });
  const hart = machine.harts[0];
  hart?.setCsr('medeleg', 0xb3ffn);
  hart?.setCsr('stvec', BigInt(program.address('handler')));
  hart?.setCsr('satp', (8n << 60n) | BigInt(ROOT / PAGE));
  processor.start(0);
  host.run(0, 100_000);
  const end = { atEnd: hart?.pc === BigInt(program.address('done')), sum: hart?.x(18), word: memory.read64(WORD) };
  return { end, fills: host.exits.get('shadow-fill') ?? 0 };
}

it('a guest goes on with the least memory that there can be, and only fills more often', () => {
  const [enough, least] = [run(256), run(LEAST_PAGES)];
  const count = VIEWS * ROUNDS;
  expect(enough.end).toEqual({ atEnd: true, sum: BigInt((count * (count - 1)) / 2), word: BigInt(count) });
  expect(least.end).toEqual(enough.end);
  // Each view once, and the code; a clean page is filled again by its first store.
  expect(enough.fills).toBeLessThanOrEqual(2 * (VIEWS + 1));
  expect(least.fills).toBeGreaterThan(count);
});

it('less memory than that is refused', () => {
  expect(() => run(LEAST_PAGES - 1)).toThrow('memory for the roots in use');
});
