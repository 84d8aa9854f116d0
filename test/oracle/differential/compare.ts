/** Compares what two hosts recorded for the same cases. */
import { must } from '../../../src/assert.ts';
import type { OracleCase } from './case.ts';
import type { OracleRecord } from './image.ts';
import { casesLeft, readRecord } from './image.ts';
import { AT, RAM_BASE, RECORD_WORDS } from './layout.ts';
import type { Reason } from './unspecified.ts';
import { leavesOfFaultingAmo, normalise } from './unspecified.ts';

const MESSAGES_MAX = 40;

export interface Comparison {
  /** Of each row or kind of case, how many differ. */
  readonly differing: Map<string, number>;
  /** The first differences, for people. */
  readonly messages: string[];
  /** How often each documented liberty of the specification was taken. */
  readonly liberties: Map<Reason, number>;
}

export const emptyComparison = (): Comparison => ({ differing: new Map(), messages: [], liberties: new Map() });

const count = <K>(counts: Map<K, number>, key: K) => counts.set(key, (counts.get(key) ?? 0) + 1);
const hex = (value: bigint) => `0x${value.toString(16)}`;

export function compareBatch(cases: readonly OracleCase[], qemu: Uint8Array, ours: Uint8Array, into: Comparison): void {
  for (const [name, ram] of [
    ['QEMU', qemu],
    ['Paratrace', ours],
  ] as const) {
    if (casesLeft(ram) !== 0) report(into, `${name} did not run all cases`, `${casesLeft(ram)} are left`);
  }
  const accessedByQemu = new Set<number>();
  for (const [index, item] of cases.entries()) {
    for (const leaf of leavesOfFaultingAmo(item, readRecord(ours, index))) accessedByQemu.add(leaf - RAM_BASE);
    const { theirs, mine, liberties } = normalise(item, readRecord(qemu, index), readRecord(ours, index));
    for (const reason of liberties) count(into.liberties, reason);
    const differences = compareRecords(item, theirs, mine);
    if (differences.length > 0)
      report(into, item.row ?? item.name.split(' ')[0] ?? '', `${describe(item)}\n    ${differences.join('\n    ')}`);
  }
  for (const part of ['pageTables', 'data'] as const) {
    const at = firstDifference(qemu, ours, AT[part] - RAM_BASE, AT[`${part}End`] - RAM_BASE, accessedByQemu);
    if (at !== undefined)
      report(into, part, `first at 0x${(at + RAM_BASE).toString(16)}: QEMU ${qemu[at]}, Paratrace ${ours[at]}`);
  }
}

function report(into: Comparison, key: string, message: string): void {
  count(into.differing, key);
  if (into.messages.length < MESSAGES_MAX && (into.differing.get(key) ?? 0) <= 2)
    into.messages.push(`${key}: ${message}`);
}

function describe(item: OracleCase): string {
  const code = item.code.map(({ value }) => value.toString(16)).join(' ');
  const words = Object.entries(item.words).map(([name, value]) => `${name}=${hex(value)}`);
  return `${item.name} [${code}] ${words.join(' ')}`;
}

function compareRecords(item: OracleCase, theirs: OracleRecord, mine: OracleRecord): string[] {
  const differences: string[] = [];
  for (let i = 1; i < 32; i++) {
    const [a, b] = [must(theirs.registers[i], 'a register'), must(mine.registers[i], 'a register')];
    if (a !== b && !item.volatile.includes(i)) {
      differences.push(`x${i}: QEMU ${hex(a)}, Paratrace ${hex(b)}, before ${hex(item.registers[i] ?? 0n)}`);
    }
  }
  for (const word of RECORD_WORDS) {
    const [a, b] = [theirs.words[word], mine.words[word]];
    if (a !== b) differences.push(`${word}: QEMU ${hex(a)}, Paratrace ${hex(b)}`);
  }
  return differences;
}

const PTE_A = 0x40;

/** `accessed`: offsets at which `a` may have the A bit of an entry set and `b` not. */
function firstDifference(
  a: Uint8Array,
  b: Uint8Array,
  from: number,
  to: number,
  accessed: ReadonlySet<number>,
): number | undefined {
  for (let at = from; at < to; at++) {
    const difference = (a[at] ?? 0) ^ (b[at] ?? 0);
    if (difference !== 0 && !(difference === PTE_A && accessed.has(at))) return at;
  }
  return undefined;
}
