/** `paratrace diff`: what differs between two traces. */
import { writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { ASPECTS, type AspectName, parseAspects, SEMANTIC_IGNORES } from '../../analysis/diff/aspects.ts';
import { EXIT_CODE, type ExitCode } from '../../errors.ts';
import { attempt, checkOutput } from '../host/files.ts';
import type { Host } from '../host/host.ts';
import { printable } from '../printable.ts';
import { type VerbContext, verb } from './verb.ts';

interface DiffVerbOptions {
  readonly ignore?: readonly AspectName[];
  readonly semantic?: boolean;
  readonly json?: boolean;
  readonly html?: string;
}

export function diffVerb({ host, exit }: VerbContext): Command {
  const width = Math.max(...Object.keys(ASPECTS).map((name) => name.length));
  const aspects = Object.entries(ASPECTS).map(([name, { about }]) => `  ${name.padEnd(width)}  ${about}`);
  return verb('diff', {
    summary: 'what differs between two traces: aligned by event',
    description:
      'Aligns the events of two traces, and says what differs: configuration, images and prices first, then the first difference with the events around it on both sides, every kind of event that has become more, fewer, dearer or different, how much later the run ends, what the rings did, inputs, digests and the end.',
    examples: [
      ['paratrace diff a.pvt b.pvt', 'every difference, clocks included'],
      ['paratrace diff a.pvt b.pvt --semantic', 'what guest and devices did, whenever and at whatever price'],
      ['paratrace diff a.pvt b.pvt --ignore cycles,costs --json', 'for a program'],
      ['paratrace diff a.pvt b.pvt --html ab.html', 'also a page'],
    ],
    notes: [
      `Aspects that --ignore takes:\n${aspects.join('\n')}\n  --semantic ignores ${SEMANTIC_IGNORES.join(', ')}.`,
      'Two traces that `trim` made are compared by the events that they hold; a whole one is not compared with a part.',
      'Exit codes:\n  0 the same, as far as compared; 1 different; 2 usage; 3 a trace is damaged or cut off: compared as far as it is whole.',
    ],
  })
    .argument('<a>', 'a trace that `record` wrote')
    .argument('<b>', 'another')
    .addOption(
      new Option('--ignore <aspects>', 'what not to compare, separated by commas (below)').argParser(parseAspects),
    )
    .option('--semantic', 'compare what happened, not when and at what price')
    .option('--json', 'as JSON (docs/golden-traces.md has its shape)')
    .option('--html <file>', 'also write a page')
    .action(async (left: string, right: string, options: DiffVerbOptions) =>
      exit(await compare(host, left, right, options)),
    );
}

async function compare(host: Host, left: string, right: string, options: DiffVerbOptions): Promise<ExitCode> {
  const { html } = options;
  if (html !== undefined) checkOutput(html, [left, right]);
  const [
    { checkBothWhole, inFile, noteExcerpt, openTraceFile, reportProblem },
    { diffTraces },
    { SBI_NAMES },
    { guestSymbols },
    text,
    json,
  ] = await Promise.all([
    import('../open-trace.ts'),
    import('../../analysis/diff/trace-diff.ts'),
    import('../../analysis/sbi-names.ts'),
    import('../guest-symbols.ts'),
    import('../../analysis/diff/diff-text.ts'),
    import('../../analysis/diff/diff-json.ts'),
  ]);
  const [a, b] = [openTraceFile(left), openTraceFile(right)];
  checkBothWhole([left, right], a, b);
  noteExcerpt(host, left, a);
  noteExcerpt(host, right, b);
  const ignore = [...(options.ignore ?? []), ...(options.semantic ? SEMANTIC_IGNORES : [])];
  const diff = inFile(`${left} and ${right}`, () => diffTraces(a, b, { ignore, names: SBI_NAMES }));
  const words = {
    names: SBI_NAMES,
    sides: [left, right] as const,
    symbols: [guestSymbols(left, a), guestSymbols(right, b)] as const,
  };
  if (options.json) host.stdout.write(printable(`${JSON.stringify(json.diffToJson(diff, words), undefined, 2)}\n`));
  else host.stdout.write(printable(`${text.describeDiff(diff, words).join('\n')}\n`));
  if (html !== undefined) {
    const { renderDiff } = await import('../../viz/diff-page.ts');
    const page = renderDiff(diff, words);
    attempt(html, 'written', () => writeFileSync(html, page));
    host.stderr.write(`paratrace: comparison ${html}\n`);
  }
  const problems: ExitCode[] = [reportProblem(host, left, a), reportProblem(host, right, b)];
  const unreadable = problems.find((code) => code !== EXIT_CODE.ok);
  return unreadable ?? (diff.same ? EXIT_CODE.ok : EXIT_CODE.guestFailed);
}
