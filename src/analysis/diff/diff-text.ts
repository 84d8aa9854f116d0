/**
 * A comparison of two traces in words: first sentences that name what differs, where and by how much, then events around the first
 * difference, the places, and tables by kind.
 */
import type { VmEvent } from '../../hypervisor/events.ts';
import type { RunEnd } from '../../session/ports.ts';
import { describeEvent } from '../describe.ts';
import { type EventNames, hex } from '../names.ts';
import type { Symbolize } from '../symbols.ts';
import type { Difference, FirstDifference } from './difference-collector.ts';
import type { EventValue, FieldChange } from './event-fields.ts';
import { type ChangedField, type KindRow, whatOf } from './kind-rows.ts';
import type { DigestDifference } from './records.ts';
import type { RingDifference, Sides, TraceDiff } from './trace-diff.ts';

/** What the text calls things. */
export interface DiffWords {
  readonly names: EventNames;
  /** `a.pvt` and `b.pvt`, or `golden` and `now`. */
  readonly sides: Sides<string>;
  /** Symbols of the guest of either run. */
  readonly symbols: Sides<Symbolize>;
}

/** Rows and fields that sentences are made of; the tables have all. */
const SENTENCES_MAX = 16;
const HEADER_MAX = 12;

/** What differs, in a few sentences without line ends: enough to see what has changed. Empty where nothing does. */
export function diffSentences(diff: TraceDiff, words: DiffWords): string[] {
  const { kinds } = diff;
  const rows = kinds.slice(0, SENTENCES_MAX).map((row) => kindSentence(row, words.sides));
  if (kinds.length > rows.length) rows.push(`${kinds.length - rows.length} more kinds of events differ`);
  return [
    ...headerSentences(diff),
    ...(diff.first === null ? [] : [firstSentence(diff.first, words)]),
    ...rows,
    ...laterSentence(diff),
    ...diff.rings.flatMap(ringSentences),
    ...inputSentence(diff, words.sides),
    ...digestSentence(diff.digest, words.sides),
    ...counterSentence(diff),
    ...timeSentence(diff),
    ...endSentence(diff, words.sides),
  ];
}

/** The whole text, as lines. */
export function describeDiff(diff: TraceDiff, words: DiffWords): string[] {
  const [left, right] = words.sides;
  const { events, time } = diff;
  const lines = [
    `- ${left}: ${group(events.left)} events, ${group(time.cycles[0])} cycles, ${group(time.instructions[0])} instructions`,
    `+ ${right}: ${group(events.right)} events, ${group(time.cycles[1])} cycles, ${group(time.instructions[1])} instructions`,
  ];
  if (diff.ignored.length > 0) lines.push(`ignored: ${diff.ignored.join(', ')}`);
  if (diff.same) return [...lines, '', 'same'];
  lines.push('', ...diffSentences(diff, words).map((sentence) => `* ${sentence}`));
  if (diff.first !== null) lines.push('', ...describeFirst(diff.first, words));
  if (diff.placesTotal > 1) lines.push('', ...describePlaces(diff, words));
  lines.push('', eventSentence(diff), 'different');
  return lines;
}

/** The events around the first difference, with symbols; `-` is the left run, `+` the right. */
export function describeFirst(first: FirstDifference, words: DiffWords): string[] {
  const [left, right] = words.sides;
  const before = first.before.map(({ event }) => `    ${eventLine(event, 0, words)}`);
  const after = first.after.map((events, side) =>
    events.map((event) => `    ${eventLine(event, side as 0 | 1, words)}`),
  );
  return [
    'around the first difference:',
    ...before,
    ...differenceLines(first, words),
    `  ${left} goes on:`,
    ...(after[0]?.length ? after[0] : ['    (nothing more)']),
    `  ${right} goes on:`,
    ...(after[1]?.length ? after[1] : ['    (nothing more)']),
  ];
}

function describePlaces({ places, placesTotal }: TraceDiff, words: DiffWords): string[] {
  const lines = [`places where something new differs: ${group(placesTotal)}`];
  for (const [index, { entries, more }] of places.entries()) {
    lines.push(`  ${index + 1}.`, ...entries.flatMap((entry) => differenceLines(entry, words)));
    if (more > 0) lines.push(`    and ${group(more)} more here`);
  }
  if (placesTotal > places.length) lines.push(`  and ${group(placesTotal - places.length)} more places`);
  return lines;
}

/** One line for each side, and what differs between them. */
export function differenceLines({ left, right, changes }: Difference, words: DiffWords): string[] {
  const lines: string[] = [];
  if (left !== null) lines.push(`  - ${eventLine(left.event, 0, words)}`);
  if (right !== null) lines.push(`  + ${eventLine(right.event, 1, words)}`);
  if (left !== null && right !== null) lines.push(`      ${changes.map(changeText).join(', ')}`);
  return lines;
}

/** An event on one line, with the symbol of its pc. */
export function eventLine(event: VmEvent, side: 0 | 1, { names, symbols }: DiffWords): string {
  const symbol = symbols[side](event.pc);
  return `${describeEvent(event, names).trimStart()}${symbol === undefined ? '' : `  <${symbol}>`}`;
}

/** `handlingCycles 5,000 -> 5,050 (+50)`. */
export function changeText({ field, left, right }: FieldChange): string {
  return `${field} ${valueText(left)} -> ${valueText(right)}${byText(left, right)}`;
}

function headerSentences({ header }: TraceDiff): string[] {
  const shown = header.slice(0, HEADER_MAX);
  const sentences = shown.map(
    ({ path, left, right }) => `header: ${path} ${left ?? 'none'} -> ${right ?? 'none'}${byText(left, right)}`,
  );
  if (header.length > shown.length) {
    sentences.push(`header: ${header.length - shown.length} more differences in prices and profiles`);
  }
  return sentences;
}

function firstSentence(first: FirstDifference, { names, sides }: DiffWords): string {
  const { left, right, changes } = first;
  const either = left ?? right;
  if (either === null) return '';
  const { number, event } = either;
  const what = `${event.kind} ${whatOf(event, names)}`.trim();
  const place = `event ${group(number)}, cycle ${group(event.cycle)}, hart ${event.hart}, pc ${hex(event.pc)}`;
  if (right === null) return `first difference: ${what} (${place}) is missing from ${sides[1]}`;
  if (left === null) return `first difference: ${what} (${place}) is only in ${sides[1]}`;
  return `first difference: ${what} (${place}): ${changes.map(changeText).join(', ')}`;
}

/** `43 of 43 shadow-fill exits: handlingCycles 6,000 -> 6,050 (+50 each); 2,150 cycles more in all`. */
function kindSentence(row: KindRow, sides: Sides<string>): string {
  const { kind, what, left, right, onlyLeft, onlyRight, leftCycles, rightCycles, fields } = row;
  const parts: string[] = [];
  if (left !== right) parts.push(`${moreText(right - left)} (${group(left)} -> ${group(right)})`);
  else if (onlyLeft + onlyRight > 0) {
    parts.push(`${group(onlyLeft)} only in ${sides[0]}, ${group(onlyRight)} only in ${sides[1]}`);
  }
  const both = left - onlyLeft;
  for (const field of fields) parts.push(fieldText(field, both));
  if (leftCycles !== rightCycles) parts.push(`${moreText(rightCycles - leftCycles)} cycles in all`);
  return `${`${kind} ${what}`.trim()}: ${parts.join('; ')}`;
}

function fieldText({ field, count, left, right, by }: ChangedField, both: number): string {
  const of = count === both && both === 1 ? '' : ` in ${group(count)} of ${group(both)}`;
  const each = by === null || count === 1 ? '' : ' each';
  const first = by === null && count > 1 ? ', the first of them' : '';
  return `${field} ${valueText(left)} -> ${valueText(right)}${by === null ? '' : ` (${signed(by)}${each})`}${first}${of}`;
}

function laterSentence({ events, kinds, header }: TraceDiff): string[] {
  if (events.later === 0) return [];
  const why = kinds.length === 0 && header.length === 0 ? ': nothing but clocks differs in events' : '';
  return [`${group(events.later)} events are the same but for when they are${why}`];
}

const RING_FIELDS = {
  notifications: 'notifications',
  chainsTaken: 'chains taken',
  chainsCompleted: 'chains returned',
  readableBytes: 'bytes read',
  writtenBytes: 'bytes written',
  inFlightMax: 'most in flight',
  interruptsDelivered: 'interrupts delivered',
  interruptsSuppressed: 'interrupts suppressed',
  broken: 'times broken',
  framesDropped: 'frames lost',
} as const;

function ringSentences({ device, queue, left, right }: RingDifference): string[] {
  const name = `ring ${device} queue ${queue}`;
  if (left === null || right === null) return [`${name}: ${left === null ? 'new' : 'gone'}`];
  const changes = Object.entries(RING_FIELDS).flatMap(([field, text]) => {
    const [a, b] = [left, right].map((row) => row[field as keyof typeof RING_FIELDS]) as [number, number];
    return a === b ? [] : [`${text} ${group(a)} -> ${group(b)} (${signed(b - a)})`];
  });
  return [`${name}: ${changes.join(', ')}`];
}

function inputSentence({ input }: TraceDiff, [leftName, rightName]: Sides<string>): string[] {
  if (input === null) return [];
  const { number, left, right, fields } = input;
  if (left === null || right === null) {
    const side = left === null ? rightName : leftName;
    const { cycle = 0, lengthBytes = 0, port = '' } = left ?? right ?? {};
    return [`input ${number} (${lengthBytes} bytes at ${port}, cycle ${group(cycle)}) is only in ${side}`];
  }
  const where = `${left.port}, cycle ${group(left.cycle)} -> ${right.port}, cycle ${group(right.cycle)}`;
  return [`input ${number} differs in ${fields.join(', ')}: ${where}`];
}

function digestSentence(digest: DigestDifference | null, [leftName, rightName]: Sides<string>): string[] {
  if (digest === null) return [];
  const { number, parts, left, right } = digest;
  if (left === null || right === null) {
    const { cycle = 0 } = left ?? right ?? {};
    return [`digest ${number} (cycle ${group(cycle)}) is only in ${left === null ? rightName : leftName}`];
  }
  const places = left.cycle === right.cycle ? group(left.cycle) : `${group(left.cycle)} -> ${group(right.cycle)}`;
  return [`digest ${number} (cycle ${places}) differs in ${parts.join(', ')}`];
}

function counterSentence({ counters }: TraceDiff): string[] {
  if (counters === null) return [];
  const changes = counters.changes.map(
    ({ counter, left, right }) => `${counter} ${group(left)} -> ${group(right)} (${signed(right - left)})`,
  );
  return [`counters at digest ${counters.number} (cycle ${group(counters.cycle)}): ${changes.join(', ')}`];
}

function timeSentence({ time, ignored }: TraceDiff): string[] {
  if (ignored.includes('cycles')) return [];
  const [left, right] = time.cycles;
  if (left === right) return [];
  const parts = (['guest', 'hypervisor', 'idle'] as const)
    .map((part) => [part, time[part][1] - time[part][0]] as const)
    .filter(([, by]) => by !== 0)
    .map(([part, by]) => `${part} ${signed(by)}`);
  const [fewer, more] = time.instructions;
  const instructions = fewer === more ? '' : `; ${moreText(more - fewer)} instructions`;
  const by = right - left;
  const how = `${group(Math.abs(by))} cycles ${by > 0 ? 'later' : 'earlier'}`;
  return [`the run ends ${how} (${group(left)} -> ${group(right)}): ${parts.join(', ')}${instructions}`];
}

function endSentence({ end, endDiffers }: TraceDiff, [leftName, rightName]: Sides<string>): string[] {
  const [left, right] = end;
  if (!endDiffers || (left?.reason === right?.reason && left?.status === right?.status)) return [];
  return [`the end differs: ${endText(left)} in ${leftName}, ${endText(right)} in ${rightName}`];
}

function endText(end: RunEnd | null): string {
  return end === null ? 'none' : `${end.reason}, status ${end.status} (${end.message})`;
}

function eventSentence({ events }: TraceDiff): string {
  const { same, later, changed, onlyLeft, onlyRight } = events;
  return `events: ${group(same)} the same, ${group(later)} at other clocks, ${group(changed)} changed, ${group(onlyLeft)} missing, ${group(onlyRight)} new`;
}

function valueText(value: EventValue | undefined): string {
  if (value === undefined) return 'none';
  if (typeof value === 'bigint') return value < 0n ? String(value) : hex(value);
  return typeof value === 'number' ? group(value) : String(value);
}

function byText(left: EventValue | undefined | null, right: EventValue | undefined | null): string {
  return typeof left === 'number' && typeof right === 'number' ? ` (${signed(right - left)})` : '';
}

function moreText(by: number): string {
  return `${group(Math.abs(by))} ${by > 0 ? 'more' : 'fewer'}`;
}

function signed(value: number): string {
  return value < 0 ? `-${group(-value)}` : `+${group(value)}`;
}

/** `1234567` as `1,234,567`. */
function group(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}
