/**
 * `golden.json`: which goldens a folder must have, and what each is a recording of. What it does not name is obsolete, what it names
 * and is not there is missing.
 */
import { ParatraceError } from '../errors.ts';

export const MANIFEST_FILE = 'golden.json';
export const MANIFEST_VERSION = 1;
const GOLDENS_MAX = 10_000;

/** What a golden is a recording of: arguments as `paratrace record` takes them, or `null`: what the trace itself says. */
export type GoldenRun = readonly string[] | null;

export interface Manifest {
  /** Whether images that are small enough are kept in the traces. `named`: none is, only their digests are. */
  readonly images: 'embedded' | 'named';
  /** By name, in the order of the file. */
  readonly goldens: ReadonlyMap<string, GoldenRun>;
}

/** File names without an ending that mean the same everywhere. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** @throws ParatraceError `golden.manifest` with what is wrong */
export function parseManifest(text: string, file: string): Manifest {
  const fail = (message: string): never => {
    throw new ParatraceError('golden.manifest', message, { file });
  };
  const value = parseJson(text, fail);
  if (!isObject(value)) return fail('it is not an object');
  const { version, images = 'embedded', goldens, ...others } = value;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) fail(`\`${unknown}\` is no field; there are version, images, goldens`);
  if (version !== MANIFEST_VERSION) fail(`\`version\` is ${JSON.stringify(version)}, not ${MANIFEST_VERSION}`);
  if (images !== 'embedded' && images !== 'named') return fail('`images` is neither "embedded" nor "named"');
  if (!isObject(goldens)) return fail('`goldens` is not an object');
  const entries = Object.entries(goldens);
  if (entries.length > GOLDENS_MAX) fail(`${entries.length} goldens; at most ${GOLDENS_MAX} are taken`);
  for (const [name, run] of entries) {
    if (!NAME.test(name)) fail(`'${name}' is no name: letters, digits, '.', '_' and '-', at most 100`);
    const isRun =
      run === null || (Array.isArray(run) && run.length > 0 && run.every((part) => typeof part === 'string'));
    if (!isRun) fail(`golden '${name}' is neither null nor a list of arguments of \`paratrace record\``);
  }
  return { images, goldens: new Map(entries as [string, GoldenRun][]) };
}

function parseJson(text: string, fail: (message: string) => never): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail(`it is not JSON: ${(error as Error).message}`);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
