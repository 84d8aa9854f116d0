/** `paratrace fsck`: what of a trace is whole, and a repaired one of that. */
import type { Command } from 'commander';
import { EXIT_CODE, formatError } from '../../errors.ts';
import type { TraceCheck } from '../../trace/check-trace.ts';
import type { ChunkInfo } from '../../trace/reader.ts';
import { groupDigits } from '../../viz/format.ts';
import { checkTraceOutput, sha256 } from '../host/files.ts';
import { printable } from '../printable.ts';
import { formatFacts, formatTable } from '../table.ts';
import { type VerbContext, verb } from './verb.ts';

interface FsckOptions {
  readonly repair?: string;
  readonly chunks?: boolean;
  readonly json?: boolean;
}

export function fsckVerb({ host, exit }: VerbContext): Command {
  return verb('fsck', {
    summary: 'say what of a trace is whole, and repair it to there',
    description:
      'Reads all of a trace: checksums, the contents of every chunk, the digests of the images. Says up to which byte it is whole, what is there, and what is wrong with the rest. With --repair writes a trace of all that is whole.',
    examples: [
      ['paratrace fsck tour.pvt', 'whole, or where the damage begins'],
      [
        'paratrace fsck tour.pvt.partial --repair tour.pvt',
        'a trace of what was recorded before the process was killed',
      ],
    ],
    notes: [
      `Repair:
  What was damaged is not guessed. A repaired trace ends where the whole part does; \`replay\` checks it as far as it goes, and
  \`stat\`, \`events\` and \`report\` show it. If nothing but the index was lost, it is the trace that was recorded, byte by byte.`,
      `Exit codes:
  0 whole, or repaired; 2 usage; 3 damaged, or nothing to repair; 70 a bug of paratrace.`,
    ],
  })
    .argument('<trace>', 'a trace, whole or not')
    .option('--repair <file>', 'write what is whole into this trace')
    .option('--chunks', 'list every chunk')
    .option('--json', 'as JSON, with every chunk')
    .action(async (path: string, { repair, chunks = false, json = false }: FsckOptions) => {
      if (repair !== undefined) checkTraceOutput(repair, [path]);
      const [{ inFile }, { traceSource }, { checkTrace }] = await Promise.all([
        import('../open-trace.ts'),
        import('../host/trace-source.ts'),
        import('../../trace/check-trace.ts'),
      ]);
      const source = traceSource(path);
      const check = inFile(path, () => checkTrace(source, sha256));
      const text = json
        ? checkJson(path, check, source.sizeBytes)
        : describeCheck(path, check, source.sizeBytes, chunks);
      host.stdout.write(printable(text));
      if (check.problem !== undefined && (repair === undefined || check.trace === undefined)) {
        return exit(check.problem.exitCode);
      }
      if (repair !== undefined) {
        const [{ repairTrace }, { writeTrace }] = await Promise.all([
          import('../../trace/rewrite.ts'),
          import('../write-trace.ts'),
        ]);
        writeTrace(host, repair, (sink) => repairTrace(check, sink));
      }
      exit(EXIT_CODE.ok);
    });
}

function describeCheck(path: string, check: TraceCheck, sizeBytes: number, listsChunks: boolean): string {
  const { problem, whole, totals, wholeBytes } = check;
  const last = whole.reduce((cycle, chunk) => Math.max(cycle, chunk.lastCycle), check.trace?.end?.cycle ?? 0);
  const facts: [string, string][] = [
    ['trace', path],
    ['size', `${groupDigits(sizeBytes)} bytes`],
    ['whole', problem === undefined ? 'all of it' : `up to offset ${wholeBytes}, ${groupDigits(wholeBytes)} bytes`],
    ['chunks', groupDigits(whole.length)],
    ['events', groupDigits(totals.events)],
    ['inputs', `${groupDigits(totals.inputs)}, ${groupDigits(totals.inputBytes)} bytes`],
    ['digests', groupDigits(totals.digests)],
    ['last cycle', groupDigits(last)],
    ['end', whole.some(({ kind }) => kind === 'end') ? 'there' : 'missing'],
  ];
  const parts = [formatFacts(facts)];
  if (problem !== undefined) parts.push(`damaged: ${formatError(problem)}`);
  if (problem !== undefined && check.trace === undefined)
    parts.push('nothing can be repaired: header or images are lost');
  if (listsChunks) parts.push(chunkTable(whole));
  return `${parts.join('\n')}\n`;
}

function chunkTable(chunks: readonly ChunkInfo[]): string {
  const rows = chunks.map(({ kind, frame, count, firstCycle, lastCycle }) => [
    kind,
    String(frame.offset),
    String(frame.payloadOffset + frame.storedBytes - frame.offset),
    groupDigits(count),
    groupDigits(firstCycle),
    groupDigits(lastCycle),
  ]);
  return formatTable(['chunk', 'offset', 'bytes', 'records', 'first cycle', 'last cycle'], rows);
}

function checkJson(
  trace: string,
  { problem, whole, totals, wholeBytes, trace: reader }: TraceCheck,
  sizeBytes: number,
) {
  const chunks = whole.map(({ kind, frame, first, count, firstCycle, lastCycle }) => {
    const { offset, storedBytes, rawBytes } = frame;
    return { kind, offset, storedBytes, rawBytes, first, count, firstCycle, lastCycle };
  });
  const wrong = problem && { code: problem.code, message: problem.message, offset: problem.place.offset };
  const result = {
    trace,
    whole: problem === undefined,
    sizeBytes,
    wholeBytes,
    repairable: reader !== undefined,
    totals,
    end: whole.some(({ kind }) => kind === 'end') ? reader?.end : undefined,
    problem: wrong,
    chunks,
  };
  return `${JSON.stringify(result, undefined, 2)}\n`;
}
