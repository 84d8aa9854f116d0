/** `paratrace stat`: where the cycles of a run went. */
import type { Command } from 'commander';
import type { RunStatistics } from '../../analysis/stat.ts';
import type { TraceReader } from '../../trace/reader.ts';
import { formatShare, groupDigits } from '../../viz/format.ts';
import { printable } from '../printable.ts';
import { formatFacts, formatTable } from '../table.ts';
import { type VerbContext, verb } from './verb.ts';

export function statVerb({ host, exit }: VerbContext): Command {
  return verb('stat', {
    summary: 'where the cycles went: exits by reason, harts, rings, avoided exits',
    description:
      'Counts exits by reason, with their number, share of all cycles, and least, mean and most cycles; and says what each hart and ring did, and which exits the guest was spared.',
    examples: [
      ['paratrace stat tour.pvt', 'tables'],
      ['paratrace stat tour.pvt --json', 'one JSON object for programs'],
    ],
    notes: [
      'Units:\n  Cycles are model cycles of the one clock of the run. Shares are of all cycles of the run; in JSON from 0 to 1.',
    ],
  })
    .argument('<trace>', 'a trace that `record` wrote')
    .option('--json', 'as JSON')
    .action(async (path: string, { json }: { json?: boolean }) => {
      const [
        { checkHasAllEvents, inFile, openTraceFile, problemOf, reportProblem },
        { computeStatistics },
        { SBI_NAMES },
      ] = await Promise.all([
        import('../open-trace.ts'),
        import('../../analysis/stat.ts'),
        import('../../analysis/sbi-names.ts'),
      ]);
      const trace = openTraceFile(path);
      checkHasAllEvents(path, trace);
      const { config } = trace.header;
      const statistics = inFile(path, () => computeStatistics(trace.events(), config.hartCount, SBI_NAMES, trace.end));
      if (json) {
        const all = { trace: path, config, end: trace.end, ...statistics, problem: problemOf(trace) };
        host.stdout.write(`${JSON.stringify(all, undefined, 2)}\n`);
      } else host.stdout.write(printable(describe(trace, statistics)));
      exit(reportProblem(host, path, trace));
    });
}

function describe(trace: TraceReader, statistics: RunStatistics): string {
  const parts = [formatFacts(factsOf(trace, statistics)), exitTable(statistics), hartTable(statistics)];
  if (statistics.rings.length > 0) parts.push(ringTable(statistics));
  if (statistics.avoided.length > 0) parts.push(avoidedTable(statistics));
  return `${parts.join('\n\n')}\n`;
}

function factsOf({ header, end }: TraceReader, statistics: RunStatistics): [string, string][] {
  const { config } = header;
  const { cycles, icount, events, guestCycles, hypervisorCycles, idleCycles } = statistics;
  const share = (part: number) => `${groupDigits(part)} (${formatShare(part, cycles)})`;
  return [
    ['guest', config.guest.name],
    ['machine', `${config.mode}, ${config.costs}, ${config.core}, harts ${config.hartCount}`],
    ['end', end === undefined ? 'not in the trace' : `${end.reason}, status ${end.status}: ${end.message}`],
    ['cycles', groupDigits(cycles)],
    ['  guest', share(guestCycles)],
    ['  hypervisor', share(hypervisorCycles)],
    ['  idle', share(idleCycles)],
    ['instructions', groupDigits(icount)],
    ['events', groupDigits(events)],
  ];
}

function exitTable({ reasons, cycles }: RunStatistics): string {
  const rows = reasons.map((row) => [
    row.reason,
    row.kind,
    groupDigits(row.count),
    groupDigits(row.totalCycles),
    formatShare(row.totalCycles, cycles),
    groupDigits(row.minCycles),
    groupDigits(row.meanCycles),
    groupDigits(row.maxCycles),
  ]);
  return formatTable(['exits by reason', 'kind', 'count', 'cycles', 'share', 'min', 'mean', 'max'], rows, 2);
}

function hartTable({ harts }: RunStatistics): string {
  const rows = harts.map((row) => [
    String(row.hart),
    groupDigits(row.events),
    groupDigits(row.exits),
    groupDigits(row.hypervisorCycles),
    groupDigits(row.interrupts),
    groupDigits(row.waitingCycles),
  ]);
  return formatTable(['hart', 'events', 'exits', 'hypervisor cycles', 'interrupts', 'waiting cycles'], rows);
}

function avoidedTable({ avoided }: RunStatistics): string {
  const rows = avoided.map(({ operation, device, count }) => [operation, device, groupDigits(count)]);
  return formatTable(['avoided exits', 'device', 'count'], rows, 2);
}

function ringTable({ rings }: RunStatistics): string {
  const showsDrops = rings.some(({ framesDropped }) => framesDropped > 0);
  const rows = rings.map((row) => [
    row.device,
    String(row.queue),
    groupDigits(row.notifications),
    groupDigits(row.chainsTaken),
    groupDigits(row.chainsCompleted),
    groupDigits(row.readableBytes),
    groupDigits(row.writtenBytes),
    groupDigits(row.inFlightMax),
    `${groupDigits(row.interruptsDelivered)} of ${groupDigits(row.interruptsDelivered + row.interruptsSuppressed)}`,
    groupDigits(row.broken),
    ...(showsDrops ? [groupDigits(row.framesDropped)] : []),
  ]);
  const head = [
    'ring',
    'queue',
    'notified',
    'taken',
    'returned',
    'bytes read',
    'written',
    'in flight',
    'interrupts',
    'broken',
    ...(showsDrops ? ['frames lost'] : []),
  ];
  return formatTable(head, rows);
}
