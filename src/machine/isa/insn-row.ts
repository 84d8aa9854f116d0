/** The shape of one row of the instruction table. One row is all there is to know about an instruction. */
import type { CycleClass } from '../core-profiles.ts';
import type { FormatName } from './formats.ts';
import type { InsnBuilder } from './insn-builder.ts';

export type Extension = 'I' | 'M' | 'A' | 'Zicsr' | 'Zifencei' | 'Zba' | 'Zbb' | 'Zbs' | 'Priv';

export interface InsnRow {
  readonly name: string;
  readonly extension: Extension;
  /** 32 characters from bit 31 to bit 0, spaces ignored: `0`, `1`, or `.` for an operand bit. */
  readonly pattern: string;
  readonly format: FormatName;
  readonly cycles: CycleClass;
  /** Section of the specification. */
  readonly spec: string;
  readonly semantics: (b: InsnBuilder) => void;
}
