/**
 * What a replay says when it is not the recorded run: both sides, field by field, the events before, and what is likely to have caused it.
 */
import { ParatraceError } from '../errors.ts';
import { EVENT_KINDS, EVENT_STAMP, isPriced, type VmEvent } from '../hypervisor/events.ts';
import type { PlainState } from '../machine/bus.ts';
import type { InputRecord, Position, RunEnd, StateDigest } from '../session/ports.ts';

/** Something a run is told of, with its sort. */
export type Happening =
  | { readonly what: 'event'; readonly value: VmEvent }
  | { readonly what: 'input'; readonly value: InputRecord }
  | { readonly what: 'digest'; readonly value: StateDigest }
  | { readonly what: 'end'; readonly value: RunEnd };

/** One field that differs; a side that has no such field is undefined. */
export interface FieldDifference {
  readonly field: string;
  readonly recorded: string | undefined;
  readonly replayed: string | undefined;
}

/** The first difference between a recording and its replay. */
export interface DivergenceReport {
  /** Undefined: nothing more was recorded, or not here. */
  readonly recorded: Happening | undefined;
  /** Undefined: the replay went past the place of what was recorded. */
  readonly replayed: Happening | undefined;
  readonly differences: readonly FieldDifference[];
  /** Events that were the same on both sides before this. */
  readonly eventsVerified: number;
  /** The last events of each side, oldest first, the ones that differ included. */
  readonly recentRecorded: readonly VmEvent[];
  readonly recentReplayed: readonly VmEvent[];
  /** Likely causes, the most telling first. */
  readonly likelyCauses: readonly string[];
  /** State of the harts when it was found, if the caller gives it. */
  readonly registers: PlainState | undefined;
}

/** The replay differs from the recording. */
export class ReplayDivergence extends ParatraceError {
  readonly report: DivergenceReport;

  constructor(report: DivergenceReport) {
    super('replay.diverged', summarize(report), placeOf(report));
    this.report = report;
  }
}

/** The fields in which two happenings differ. */
export function differencesOf(recorded: Happening | undefined, replayed: Happening | undefined): FieldDifference[] {
  if (recorded === undefined || replayed === undefined) return [];
  const left = fieldsOf(recorded);
  const right = fieldsOf(replayed);
  const names = new Set([...left.keys(), ...right.keys()]);
  return [...names]
    .map((field) => ({ field, recorded: left.get(field), replayed: right.get(field) }))
    .filter((difference) => difference.recorded !== difference.replayed);
}

/** What is likely to have caused a difference. `profilesDiffer` names profiles that are not those of the recording. */
export function likelyCauses(
  recorded: Happening | undefined,
  replayed: Happening | undefined,
  differences: readonly FieldDifference[],
  profilesDiffer: readonly string[],
): string[] {
  const causes = profilesDiffer.map((name) => `the ${name} of this version is not the recorded one`);
  if (recorded === undefined || replayed === undefined) {
    if (recorded?.what === 'input') causes.push('the guest did not take a recorded input at its place');
    else if (replayed?.what === 'input') causes.push('the guest took an input where none was recorded');
    else
      causes.push(recorded === undefined ? 'the replay went on past the recording' : 'the replay left something out');
  } else if (recorded.what === 'digest' && replayed.what === 'digest') {
    causes.push(...digestCauses(differences));
  } else if (recorded.what === 'event' && replayed.what === 'event') {
    causes.push(...eventCauses(recorded.value, replayed.value, differences));
  } else if (recorded.what === 'input' && replayed.what === 'input') {
    const sameBytes = !differences.some(({ field }) => field === 'bytes');
    causes.push(sameBytes ? 'the input came at another place' : 'the input has other bytes');
  } else {
    causes.push('the runs took different ways before this');
  }
  return causes;
}

function digestCauses(differences: readonly FieldDifference[]): string[] {
  const causes: Readonly<Record<string, string>> = {
    events: 'the digest was taken at another place',
    cycle: 'the digest was taken at another place',
    memory: 'guest memory differs: a store, a device that wrote to memory, or an image',
    harts: 'registers or CSRs differ: the semantics of an instruction or of a trap',
    devices: 'device state differs: a register or a ring',
  };
  return [...new Set(differences.map(({ field }) => causes[field]).filter((cause) => cause !== undefined))];
}

function eventCauses(recorded: VmEvent, replayed: VmEvent, differences: readonly FieldDifference[]): string[] {
  if (recorded.kind !== replayed.kind) return ['the guest or a device took another way before this event'];
  const fields = new Set(differences.map(({ field }) => field));
  const causes: string[] = [];
  if (isPriced(recorded) && [...fields].some((field) => field.endsWith('Cycles'))) {
    causes.push('the exit was charged differently: the cost profile or its use');
  }
  if (fields.has('icount') || fields.has('pc')) causes.push('the guest executed other instructions before this event');
  else if (fields.has('cycle'))
    causes.push('the same instructions took other cycles: core profile, TLB or charged costs');
  if (fields.has('hart')) causes.push('the harts had their turns in another order');
  const stamp = new Set(Object.keys(EVENT_STAMP));
  const own = [...fields].filter((field) => !stamp.has(field) && !field.endsWith('Cycles'));
  if (own.length > 0) causes.push(`the ${recorded.kind} itself differs in ${own.join(', ')}`);
  return causes;
}

/** The fields of a happening as text, in a fixed order. */
function fieldsOf({ what, value }: Happening): Map<string, string> {
  const record = value as unknown as Readonly<Record<string, unknown>>;
  const names =
    what === 'event'
      ? ['kind', ...Object.keys(EVENT_STAMP), ...Object.keys(EVENT_KINDS[value.kind].fields)]
      : Object.keys(record);
  const entries = names.map((name): [string, string] => [name, formatValue(record[name])]);
  return new Map([['what', what], ...entries]);
}

function formatValue(value: unknown): string {
  if (typeof value === 'bigint') return value < 0n ? String(value) : `0x${value.toString(16)}`;
  if (value instanceof Uint8Array) return Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return String(value);
}

function positionOf(report: DivergenceReport): Position {
  return (report.replayed ?? report.recorded)?.value ?? { cycle: 0, icount: 0 };
}

function placeOf(report: DivergenceReport): ParatraceError['place'] {
  const { cycle, icount } = positionOf(report);
  const happening = report.replayed ?? report.recorded;
  if (happening?.what !== 'event') return { cycle, icount };
  return { cycle, icount, hart: happening.value.hart, pc: happening.value.pc };
}

function summarize(report: DivergenceReport): string {
  const { recorded, replayed, differences, eventsVerified } = report;
  const after = `after ${eventsVerified} events that are the same`;
  if (recorded === undefined) return `${after}, the replay has ${nameOf(replayed)} that is not recorded`;
  if (replayed === undefined) return `${after}, the replay lacks ${nameOf(recorded)} that is recorded`;
  if (recorded.what !== replayed.what) return `${after}, the replay has ${nameOf(replayed)} for ${nameOf(recorded)}`;
  const changes = differences
    .map((difference) => `${difference.field} ${difference.recorded ?? 'none'} -> ${difference.replayed ?? 'none'}`)
    .join(', ');
  return `${after}, ${nameOf(replayed)} differs (recorded -> replayed): ${changes}`;
}

function nameOf(happening: Happening | undefined): string {
  if (happening === undefined) return 'nothing';
  return happening.what === 'event' ? `an event \`${happening.value.kind}\`` : `the ${happening.what}`;
}
