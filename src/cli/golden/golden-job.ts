/** One golden, recorded again and compared: a job for this process or a worker. Reads files and writes none. */
import { existsSync } from 'node:fs';
import type { AspectName } from '../../analysis/diff/aspects.ts';
import { SBI_NAMES } from '../../analysis/sbi-names.ts';
import { formatError, ParatraceError } from '../../errors.ts';
import { compareGolden } from '../../golden/compare-golden.ts';
import type { GoldenRun } from '../../golden/manifest.ts';
import { checkEnded, pricesOf, type RunPlan, recordRun } from '../../golden/record-again.ts';
import type { GoldenResult } from '../../golden/result.ts';
import { textDigest } from '../../golden/text-digest.ts';
import { createMachine } from '../../machine/create-machine.ts';
import type { EngineCodeStore, Machine, MachineConfig } from '../../machine/machine-types.ts';
import { resolveImages } from '../../trace/images.ts';
import { openTrace, type TraceReader } from '../../trace/reader.ts';
import { readFile, sha256 } from '../host/files.ts';
import { imageFinder } from '../host/images.ts';
import { prepareArguments } from './record-arguments.ts';

/** Plain data: it crosses to workers. */
export interface GoldenJob {
  readonly name: string;
  /** Path of the trace; its text stands beside it. */
  readonly file: string;
  /** Undefined: what the trace says. */
  readonly run: GoldenRun | undefined;
  /** Whether images are to be kept in the trace; undefined: as the golden has it. */
  readonly embedsImages: boolean | undefined;
  readonly ignore: readonly AspectName[];
  /** Whether what was recorded is wanted, to be written. */
  readonly accepts: boolean;
}

export interface GoldenOutcome {
  readonly result: GoldenResult;
  /** What to write, if that is wanted and differs from what is there. */
  readonly accepted?: { readonly bytes: Uint8Array; readonly text: string };
}

/** What a job needs of its host. Tests put their own in. */
export interface JobHost {
  readonly engineCode: EngineCodeStore;
  /** Default: the machine of the package. */
  readonly createMachine?: (config: MachineConfig) => Machine;
  /** Changes the run before it is recorded: tests make deliberate changes. */
  readonly alter?: (plan: RunPlan) => RunPlan;
}

/** Name of the text beside a trace. */
export function textFileOf(file: string): string {
  return file.replace(/(\.pvt)?$/, '.txt');
}

/** Whatever is wrong is in the result. */
export function runGoldenJob(job: GoldenJob, host: JobHost): GoldenOutcome {
  try {
    return verifyOne(job, host, existsSync(job.file) ? readFile(job.file) : undefined);
  } catch (error) {
    if (!(error instanceof ParatraceError)) throw error;
    const { name, file } = job;
    // A golden that cannot be read is in nobody's way who accepts another.
    if (error.code.startsWith('trace.') && job.accepts && isRecordable(job)) return recordAnew(job, host, error);
    const sentences = formatError(error).split('\n');
    return { result: { name, file, status: 'error', sentences, details: [] } };
  }
}

function verifyOne(job: GoldenJob, host: JobHost, bytes: Uint8Array | undefined): GoldenOutcome {
  const { name, file, accepts } = job;
  if (bytes === undefined) return accepts ? recordAnew(job, host) : { result: missing(job) };
  const golden = openTrace(bytes);
  if (!(accepts && isRecordable(job))) checkEnded(golden);
  const { bytes: now, trace, plan } = record(job, host, golden);
  const textFile = textFileOf(file);
  const text = existsSync(textFile) ? new TextDecoder().decode(readFile(textFile)) : undefined;
  const result = compareGolden({ name, file, bytes, text }, now, { ignore: job.ignore, guest: plan.images.guest });
  const isOther = result.status !== 'same' || plan.embedsImages !== golden.embedded.length > 0;
  return { result, ...(accepts && isOther && { accepted: acceptable(now, trace) }) };
}

/** Where there is no golden, or none that can be read. */
function recordAnew(job: GoldenJob, host: JobHost, why?: ParatraceError): GoldenOutcome {
  const { bytes, trace } = record(job, host, undefined);
  const { name, file } = job;
  const result: GoldenResult =
    why === undefined
      ? missing(job)
      : { name, file, status: 'changed', sentences: [`it could not be read: ${why.message}`], details: [] };
  return { result, accepted: acceptable(bytes, trace) };
}

function record(job: GoldenJob, host: JobHost, golden: TraceReader | undefined) {
  const planned = planOf(job, golden);
  const plan = host.alter?.(planned) ?? planned;
  const machineOf = host.createMachine ?? ((config) => createMachine(config, 'interpreter', host));
  const { bytes } = recordRun(plan, machineOf);
  const trace = openTrace(bytes);
  checkEnded(trace);
  return { bytes, trace, plan };
}

function acceptable(bytes: Uint8Array, trace: TraceReader): NonNullable<GoldenOutcome['accepted']> {
  return { bytes, text: textDigest(trace, SBI_NAMES) };
}

/** Whether its manifest says how to record it, so that the golden itself is not needed. */
function isRecordable({ run }: GoldenJob): boolean {
  return run !== undefined && run !== null;
}

function missing({ name, file, run }: GoldenJob): GoldenResult {
  const how = run === undefined || run === null ? 'record it' : `record it with \`paratrace golden accept\``;
  const sentences = [`${file} is not there; ${how}`];
  return { name, file, status: 'missing', sentences, details: [] };
}

/** The run that is recorded: what the manifest says, or else the golden itself. */
function planOf({ file, run, embedsImages }: GoldenJob, golden: TraceReader | undefined): RunPlan {
  const embeds = embedsImages ?? (golden === undefined || golden.embedded.length > 0);
  if (run !== undefined && run !== null) {
    const { config, costs, images, stdin, marks } = prepareArguments(run);
    const input = stdin === undefined ? undefined : readFile(stdin);
    return { config, costs, images, input, marks, recorded: golden, embedsImages: embeds };
  }
  if (golden === undefined) {
    throw new ParatraceError(
      'file.unreadable',
      'there is no such trace, and its manifest does not say how to record it',
      {
        file,
      },
    );
  }
  const { config } = golden.header;
  const images = resolveImages(config, (digest) => golden.image(digest), imageFinder(file, []), sha256);
  return { config, costs: pricesOf(golden), images, recorded: golden, embedsImages: embeds };
}
