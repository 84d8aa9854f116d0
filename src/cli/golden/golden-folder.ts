/** Which goldens there are: those that a manifest names, or the traces of a folder. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { AspectName } from '../../analysis/diff/aspects.ts';
import { ParatraceError } from '../../errors.ts';
import { MANIFEST_FILE, type Manifest, parseManifest } from '../../golden/manifest.ts';
import type { GoldenResult } from '../../golden/result.ts';
import { attempt, readFile } from '../host/files.ts';
import type { GoldenJob } from './golden-job.ts';

export interface GoldenPlan {
  readonly jobs: readonly GoldenJob[];
  /** Files that no manifest names. */
  readonly obsolete: readonly string[];
}

export interface PlanOptions {
  readonly ignore: readonly AspectName[];
  readonly accepts: boolean;
}

/**
 * @param paths folders or traces
 * @throws ParatraceError for a path that is not there, or a manifest that is wrong
 */
export function planGoldens(paths: readonly string[], options: PlanOptions): GoldenPlan {
  const plans = paths.map((path) => (isFolder(path) ? planFolder(path, options) : planFile(path, options)));
  return { jobs: plans.flatMap(({ jobs }) => jobs), obsolete: plans.flatMap(({ obsolete }) => obsolete) };
}

/** The manifest of a folder; undefined if it has none. */
export function readManifest(folder: string): Manifest | undefined {
  const file = join(folder, MANIFEST_FILE);
  return existsSync(file) ? parseManifest(new TextDecoder().decode(readFile(file)), file) : undefined;
}

export function obsoleteResult(file: string): GoldenResult {
  const sentences = [`${MANIFEST_FILE} does not name ${file}`];
  return { name: basename(file), file, status: 'obsolete', sentences, details: [] };
}

function planFolder(folder: string, options: PlanOptions): GoldenPlan {
  const manifest = readManifest(folder);
  const files = attempt(folder, 'read', () => readdirSync(folder)).filter((file) => /\.(pvt|txt)$/.test(file));
  if (manifest === undefined) return planTraces(folder, files, options);
  const jobs = [...manifest.goldens.keys()].map((name) => jobOf(folder, name, manifest, options));
  const known = new Set([...manifest.goldens.keys()].flatMap((name) => [`${name}.pvt`, `${name}.txt`]));
  const obsolete = files.filter((file) => !known.has(file)).sort();
  return { jobs, obsolete: obsolete.map((file) => join(folder, file)) };
}

/** Without a manifest the traces are the goldens, and only a text can be left over. */
function planTraces(folder: string, files: readonly string[], options: PlanOptions): GoldenPlan {
  const names = files.filter((file) => file.endsWith('.pvt')).map((file) => file.slice(0, -'.pvt'.length));
  if (names.length === 0) {
    const message = `there is neither a ${MANIFEST_FILE} nor a trace in it`;
    throw new ParatraceError('file.unreadable', message, { file: folder });
  }
  const texts = files.filter((file) => file.endsWith('.txt') && !names.includes(file.slice(0, -'.txt'.length)));
  return {
    jobs: names.sort().map((name) => jobOf(folder, name, undefined, options)),
    obsolete: texts.sort().map((file) => join(folder, file)),
  };
}

function planFile(file: string, options: PlanOptions): GoldenPlan {
  const folder = dirname(file);
  return { jobs: [jobOf(folder, basename(file, '.pvt'), readManifest(folder), options)], obsolete: [] };
}

function jobOf(folder: string, name: string, manifest: Manifest | undefined, options: PlanOptions): GoldenJob {
  const { ignore, accepts } = options;
  const embedsImages = manifest === undefined ? undefined : manifest.images === 'embedded';
  const run = manifest?.goldens.get(name);
  return { name, file: join(folder, `${name}.pvt`), run, embedsImages, ignore, accepts };
}

function isFolder(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined && !path.endsWith('.pvt')) {
    throw new ParatraceError('file.unreadable', 'there is no such file or folder', { file: path });
  }
  return stat?.isDirectory() === true;
}
