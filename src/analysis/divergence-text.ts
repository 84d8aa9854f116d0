/** A divergence for people: what differs, likely causes, the last events of both sides, registers. */
import type { PlainState, PlainValue } from '../machine/bus.ts';
import type { DivergenceReport } from '../replayer/divergence.ts';
import { describeEvent } from './describe.ts';
import type { EventNames } from './names.ts';

/** Lines to print after the message of the error, which says the difference in one sentence. */
export function describeDivergence(report: DivergenceReport, names: EventNames): string[] {
  const lines: string[] = [];
  for (const { field, recorded, replayed } of report.differences) {
    lines.push(`  ${field}: recorded ${recorded ?? '(none)'}, replayed ${replayed ?? '(none)'}`);
  }
  for (const cause of report.likelyCauses) lines.push(`likely cause: ${cause}`);
  if (report.recentRecorded.length > 0) lines.push('last events, recorded:');
  for (const event of report.recentRecorded) lines.push(`  ${describeEvent(event, names)}`);
  if (report.recentReplayed.length > 0) lines.push('last events, replayed:');
  for (const event of report.recentReplayed) lines.push(`  ${describeEvent(event, names)}`);
  if (report.registers !== undefined) lines.push('state:', ...describeState(report.registers, '  '));
  return lines;
}

function describeState(state: PlainState, indent: string): string[] {
  return Object.entries(state).flatMap(([name, value]) => {
    if (isState(value)) return [`${indent}${name}:`, ...describeState(value, `${indent}  `)];
    return [`${indent}${name} ${describeValue(value)}`];
  });
}

function isState(value: PlainValue): value is PlainState {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function describeValue(value: PlainValue): string {
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  if (value instanceof Uint8Array) return `(${value.length} bytes)`;
  if (Array.isArray(value)) return value.map(describeValue).join(' ');
  return String(value);
}
