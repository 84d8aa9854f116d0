/**
 * The readable side of a golden trace, for reviews: what was run, how it ended, events by kind, what exits cost by reason, harts, rings,
 * and the digests of the state at intervals. The same text for the same trace.
 */
import type { EventNames } from '../analysis/names.ts';
import { type RunStatistics, StatisticsCollector } from '../analysis/stat.ts';
import { EVENT_KINDS, type EventKind } from '../hypervisor/events.ts';
import type { ImageRef } from '../session/config.ts';
import type { TraceReader } from '../trace/reader.ts';
import { groupDigits } from '../viz/format.ts';
import { formatFacts, formatTable } from '../viz/text-table.ts';

const SHA_DIGITS = 16;

/** Lines of a golden's text file. */
export function textDigest(trace: TraceReader, names: Pick<EventNames, 'sbiFunction'>): string {
  const { config } = trace.header;
  const collector = new StatisticsCollector(config.hartCount, names);
  const kinds = new Map<EventKind, number>();
  for (const event of trace.events()) {
    collector.add(event);
    kinds.set(event.kind, (kinds.get(event.kind) ?? 0) + 1);
  }
  const statistics = collector.finish(trace.end);
  const parts = [
    formatFacts(headerFacts(trace)),
    formatFacts(endFacts(trace, statistics)),
    kindTable(kinds),
    costTable(statistics),
    hartTable(statistics),
    ringTable(statistics),
    digestTable(trace),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function headerFacts({ header, totals }: TraceReader): [string, string][] {
  const { guest, initrd, drives, net, ...settings } = header.config;
  return [
    ['guest', imageText(guest)],
    ['initrd', initrd === undefined ? 'none' : imageText(initrd)],
    ...drives.map((drive, index): [string, string] => [`drive ${index}`, imageText(drive)]),
    ['network', net === undefined ? 'none' : `peer, ${groupDigits(net.latencyCycles)} cycles away`],
    ...Object.entries(settings).map(([name, value]): [string, string] => [name, String(value)]),
    ['inputs', `${groupDigits(totals.inputs)}, ${groupDigits(totals.inputBytes)} bytes`],
  ];
}

function imageText({ name, sizeBytes, sha256 }: ImageRef): string {
  return `${name}, ${groupDigits(sizeBytes)} bytes, sha256 ${sha256.slice(0, SHA_DIGITS)}`;
}

function endFacts({ end }: TraceReader, statistics: RunStatistics): [string, string][] {
  const { cycles, icount, events, guestCycles, hypervisorCycles, idleCycles } = statistics;
  return [
    ['end', end === undefined ? 'none' : `${end.reason}, status ${end.status}: ${end.message}`],
    ['instructions', groupDigits(icount)],
    ['events', groupDigits(events)],
    ['cycles', groupDigits(cycles)],
    ['  guest', groupDigits(guestCycles)],
    ['  hypervisor', groupDigits(hypervisorCycles)],
    ['  idle', groupDigits(idleCycles)],
  ];
}

/** In the order of the vocabulary. */
function kindTable(counts: ReadonlyMap<EventKind, number>): string {
  const kinds = (Object.keys(EVENT_KINDS) as EventKind[]).filter((kind) => counts.has(kind));
  return formatTable(
    ['events by kind', 'count'],
    kinds.map((kind) => [kind, groupDigits(counts.get(kind) ?? 0)]),
  );
}

function costTable({ reasons }: RunStatistics): string {
  const rows = reasons.map(({ reason, kind, count, totalCycles, minCycles, maxCycles }) => [
    reason,
    kind,
    ...[count, totalCycles, minCycles, maxCycles].map(groupDigits),
  ]);
  return rows.length === 0 ? '' : formatTable(['costs by reason', 'kind', 'count', 'cycles', 'min', 'max'], rows, 2);
}

function hartTable({ harts }: RunStatistics): string {
  if (harts.length === 1) return '';
  const rows = harts.map((row) => [
    String(row.hart),
    ...[row.events, row.exits, row.hypervisorCycles, row.interrupts, row.waitingCycles].map(groupDigits),
  ]);
  return formatTable(['hart', 'events', 'exits', 'hypervisor cycles', 'interrupts', 'waiting cycles'], rows);
}

function ringTable({ rings }: RunStatistics): string {
  const rows = rings.map((row) => [
    row.device,
    String(row.queue),
    ...[row.notifications, row.chainsTaken, row.chainsCompleted, row.readableBytes, row.writtenBytes].map(groupDigits),
    ...[row.inFlightMax, row.interruptsDelivered, row.interruptsSuppressed, row.broken].map(groupDigits),
  ]);
  const counts = ['notified', 'taken', 'returned', 'bytes read', 'written', 'in flight', 'interrupts', 'suppressed'];
  return rows.length === 0 ? '' : formatTable(['ring', 'queue', ...counts, 'broken'], rows);
}

function digestTable(trace: TraceReader): string {
  const hex = (value: bigint) => value.toString(16).padStart(16, '0');
  const rows = Array.from(trace.digests(), ({ cycle, memory, harts, devices }) => [
    groupDigits(cycle),
    ...[memory, harts, devices].map(hex),
  ]);
  return rows.length === 0 ? '' : formatTable(['digest at cycle', 'memory', 'harts', 'devices'], rows, 0);
}
