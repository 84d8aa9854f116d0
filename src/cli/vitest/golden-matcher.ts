/** `toMatchGoldenTrace`: a trace against the golden beside the test, by the rules of snapshots. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { MatcherState } from 'vitest';
import { SBI_NAMES } from '../../analysis/sbi-names.ts';
import { must } from '../../assert.ts';
import { compareGolden } from '../../golden/compare-golden.ts';
import { type GoldenResult, headlineOf } from '../../golden/result.ts';
import { textDigest } from '../../golden/text-digest.ts';
import { openTrace } from '../../trace/reader.ts';
import { readFile } from '../host/files.ts';
import { imageFinder } from '../host/images.ts';
import type { GoldenMatcherOptions } from './index.ts';
import { receivedTrace } from './received.ts';

const FOLDER = '__traces__';
const NAME_LENGTH_MAX = 100;

export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/** Which goldens the tests of a file have asked for. */
export class GoldenFolders {
  readonly #asked = new Map<string, Set<string>>();
  readonly #counts = new Map<string, number>();

  /** Folder of the goldens of a test file. */
  static of(testPath: string): string {
    return join(dirname(testPath), FOLDER, basename(testPath));
  }

  /** Names that were asked for. */
  names(testPath: string): ReadonlySet<string> {
    return this.#asked.get(testPath) ?? new Set();
  }

  /**
   * The name that is meant.
   * @param attempt the test, and which time it is tried: numbers start again with each
   */
  ask(testPath: string, testName: string, attempt: string, given: string | undefined): string {
    const names = this.#asked.get(testPath) ?? new Set<string>();
    this.#asked.set(testPath, names);
    const key = `${attempt} ${given ?? ''}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    const name = given ?? slug(`${testName} ${count}`);
    if (given !== undefined && slug(given) !== given) {
      throw new Error(
        `'${given}' is no name of a golden trace: letters, digits, '.', '_' and '-', at most ${NAME_LENGTH_MAX}`,
      );
    }
    names.add(name);
    return name;
  }
}

export function toMatchGoldenTrace(
  state: MatcherState,
  folders: GoldenFolders,
  received: unknown,
  given: string | undefined,
  { ignore = [] }: GoldenMatcherOptions = {},
): MatcherResult {
  if (state.isNot) throw new Error('toMatchGoldenTrace cannot be used with `not`');
  const { snapshotState } = state;
  const testPath = must(state.testPath, 'a matcher runs in a test file');
  const taskId = state.task?.id ?? state.currentTestName ?? '';
  const { retryCount = 0, repeatCount = 0 } = state.task?.result ?? {};
  const name = folders.ask(testPath, state.currentTestName ?? '', `${taskId} ${retryCount} ${repeatCount}`, given);
  const file = join(GoldenFolders.of(testPath), `${name}.pvt`);
  const now = receivedTrace(received);
  const update = snapshotState.snapshotUpdateState;
  if (!existsSync(file)) {
    if (update === 'none') {
      snapshotState.unmatched.increment(taskId);
      return fails(`the golden trace ${file} is missing, and nothing is written in continuous integration`);
    }
    write(file, now);
    snapshotState.added.increment(taskId);
    return { pass: true, message: () => '' };
  }
  const result = compare(name, file, now, ignore);
  if (result.status === 'same') {
    snapshotState.matched.increment(taskId);
    return { pass: true, message: () => '' };
  }
  if (update === 'all') {
    write(file, now);
    snapshotState.updated.increment(taskId);
    return { pass: true, message: () => '' };
  }
  snapshotState.unmatched.increment(taskId);
  return fails(messageOf(result));
}

/** Path of the text beside a golden. */
export function textFileOf(file: string): string {
  return file.replace(/\.pvt$/, '.txt');
}

function compare(name: string, file: string, now: Uint8Array, ignore: GoldenMatcherOptions['ignore']): GoldenResult {
  const textFile = textFileOf(file);
  const text = existsSync(textFile) ? new TextDecoder().decode(readFile(textFile)) : undefined;
  const { guest } = openTrace(now).header.config;
  // Symbols come from the guest, which the traces may only name.
  const image = imageFinder(file, [])(guest);
  return compareGolden({ name, file, bytes: readFile(file), text }, now, {
    ...(ignore !== undefined && { ignore }),
    ...(image !== undefined && { guest: image }),
  });
}

function write(file: string, bytes: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  writeFileSync(textFileOf(file), textDigest(openTrace(bytes), SBI_NAMES));
}

function messageOf(result: GoldenResult): string {
  const sentences = result.sentences.map((sentence) => `  * ${sentence}`);
  const details = result.details.length === 0 ? [] : ['', ...result.details];
  const lines = [`golden trace ${headlineOf(result)} (${result.file})`, ...sentences, ...details];
  return [...lines, '', 'If that is meant to be, run vitest with -u.'].join('\n');
}

function fails(message: string): MatcherResult {
  return { pass: false, message: () => message };
}

/** A file name that means the same everywhere. */
function slug(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, NAME_LENGTH_MAX);
}
