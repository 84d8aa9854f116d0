/** `golden verify` and `golden accept`: what is planned, run, written and said. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT_CODE, type ExitCode, ParatraceError } from '../../errors.ts';
import { type GoldenResult, headlineOf, reportGoldens } from '../../golden/result.ts';
import { attempt } from '../host/files.ts';
import type { Host } from '../host/host.ts';
import { printable } from '../printable.ts';
import type { GoldenOptions } from '../verbs/golden.ts';
import { obsoleteResult, planGoldens } from './golden-folder.ts';
import { type GoldenJob, type GoldenOutcome, textFileOf } from './golden-job.ts';
import { runGoldenJobs } from './golden-jobs.ts';

/** @throws ParatraceError for paths that are not there, and a manifest that is wrong */
export async function verifyGoldens(host: Host, paths: readonly string[], options: GoldenOptions): Promise<ExitCode> {
  const { jobs, obsolete } = planGoldens(paths, { ignore: options.ignore ?? [], accepts: false });
  const outcomes = await runGoldenJobs(host, jobs, options.jobs ?? host.parallelism);
  const results = [...outcomes.map(({ result }) => result), ...obsolete.map(obsoleteResult)];
  host.stdout.write(printable(reportGoldens(results, options.reporter)));
  const failed = results.filter(({ status }) => status !== 'same');
  if (options.reporter === 'text') for (const result of failed) host.stdout.write(printable(detailsOf(result)));
  return failed.length === 0 ? EXIT_CODE.ok : EXIT_CODE.guestFailed;
}

/** @throws ParatraceError `golden.ci`, and as {@link verifyGoldens} does */
export async function acceptGoldens(
  host: Host,
  paths: readonly string[],
  options: Pick<GoldenOptions, 'jobs'>,
): Promise<ExitCode> {
  if (host.isCi) throw new ParatraceError('golden.ci', 'nothing is accepted: `CI` is set in the environment');
  const { jobs, obsolete } = planGoldens(paths, { ignore: [], accepts: true });
  const outcomes = await runGoldenJobs(host, jobs, options.jobs ?? host.parallelism);
  const lines: string[] = [];
  for (const [index, outcome] of outcomes.entries()) lines.push(...accept(jobs[index] as GoldenJob, outcome));
  for (const file of obsolete) {
    attempt(file, 'removed', () => rmSync(file));
    lines.push(`removed ${file}`);
  }
  const failed = outcomes.filter(({ result }) => result.status === 'error').length;
  lines.push(
    `${outcomes.length} goldens, ${lines.filter((line) => /^(wrote|removed) /.test(line)).length} files changed`,
  );
  host.stdout.write(printable(`${lines.join('\n')}\n`));
  return failed === 0 ? EXIT_CODE.ok : EXIT_CODE.guestFailed;
}

function accept({ file }: GoldenJob, { result, accepted }: GoldenOutcome): string[] {
  const sentences = result.sentences.map((sentence) => `    * ${sentence}`);
  if (result.status === 'error') return [`FAILED ${headlineOf(result)}`, ...sentences];
  if (accepted === undefined) return [];
  const { bytes, text } = accepted;
  attempt(file, 'written', () => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    writeFileSync(textFileOf(file), text);
  });
  return result.status === 'missing' ? [`wrote ${file}`] : [`wrote ${file}: it is another now`, ...sentences];
}

function detailsOf(result: GoldenResult): string {
  if (result.details.length === 0) return '';
  return `\n${headlineOf(result)}:\n${result.details.map((line) => `  ${line}`.trimEnd()).join('\n')}\n`;
}
