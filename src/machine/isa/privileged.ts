/** CSR access (Unprivileged ISA, chapter 6), `fence.i` (chapter 5) and the privileged instructions (Privileged ISA 3.3, 12.2). */
import type { CycleClass } from '../core-profiles.ts';
import type { SystemOp } from './insn-builder.ts';
import type { InsnRow } from './insn-row.ts';

const CSR_ACTIONS = [
  ['csrrw', '01', 'write'],
  ['csrrs', '10', 'set'],
  ['csrrc', '11', 'clear'],
] as const;

const csrRows = CSR_ACTIONS.flatMap(([name, funct2, action]): InsnRow[] => [
  {
    name,
    extension: 'Zicsr',
    pattern: `............ ..... 0${funct2} ..... 1110011`,
    format: 'Csr',
    cycles: 'csr',
    spec: '6.1',
    semantics: (b) => b.csr(action, b.rs1),
  },
  {
    name: `${name}i`,
    extension: 'Zicsr',
    pattern: `............ ..... 1${funct2} ..... 1110011`,
    format: 'CsrImm',
    cycles: 'csr',
    spec: '6.1',
    semantics: (b) => b.csr(action, b.uimm),
  },
]);

const system = (name: SystemOp, pattern: string, cycles: CycleClass, spec: string): InsnRow => ({
  name,
  extension: name === 'fence.i' ? 'Zifencei' : 'Priv',
  pattern,
  format: name === 'sfence.vma' || name === 'fence.i' ? 'Fence' : 'None',
  cycles,
  spec,
  semantics: (b) => b.system(name),
});

export const PRIVILEGED: readonly InsnRow[] = [
  ...csrRows,
  system('fence.i', '............ ..... 001 ..... 0001111', 'fence', '5.1'),
  system('sret', '0001000 00010 00000 000 00000 1110011', 'system', '3.3.2'),
  system('mret', '0011000 00010 00000 000 00000 1110011', 'system', '3.3.2'),
  system('wfi', '0001000 00101 00000 000 00000 1110011', 'system', '3.3.3'),
  system('sfence.vma', '0001001 ..... ..... 000 00000 1110011', 'fence', '12.2.1'),
];
