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
    return verifyOne(job, host);
  } catch (error) {
    if (!(error instanceof ParatraceError)) throw error;
    const { name, file } = job;
    const sentences = formatError(error).split('\n');
    return { result: { name, file, status: 'error', sentences, details: [] } };
  }
}

function verifyOne(job: GoldenJob, host: JobHost): GoldenOutcome {
  const { name, file, accepts } = job;
  const bytes = existsSync(file) ? readFile(file) : undefined;
  if (bytes === undefined && !accepts) return { result: missing(job) };
  const golden = bytes === undefined ? undefined : openGolden(job, bytes);
  const plan = planOf(job, golden);
  const altered = host.alter?.(plan) ?? plan;
  const machineOf = host.createMachine ?? ((config) => createMachine(config, 'interpreter', host));
  const now = recordRun(altered, machineOf);
  const trace = openTrace(now.bytes);
  checkEnded(trace);
  const accepted = () => ({ accepted: { bytes: now.bytes, text: textDigest(trace, SBI_NAMES) } });
  if (bytes === undefined || golden === undefined) return { result: missing(job), ...accepted() };
  const textFile = textFileOf(file);
  const text = existsSync(textFile) ? new TextDecoder().decode(readFile(textFile)) : undefined;
  const guest = altered.images.guest;
  const result = compareGolden({ name, file, bytes, text }, now.bytes, { ignore: job.ignore, guest });
  const isOther = result.status !== 'same' || altered.embedsImages !== golden.embedded.length > 0;
  return { result, ...(accepts && isOther && accepted()) };
}

/** A golden that cannot be read is in nobody's way who accepts another. */
function openGolden({ accepts, run }: GoldenJob, bytes: Uint8Array): TraceReader | undefined {
  try {
    const trace = openTrace(bytes);
    checkEnded(trace);
    return trace;
  } catch (error) {
    if (accepts && run !== undefined && run !== null && error instanceof ParatraceError) return undefined;
    throw error;
  }
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
