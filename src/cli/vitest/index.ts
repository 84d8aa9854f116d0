/**
 * `paratrace/vitest`: matchers for golden traces and replays. As a setup file, or imported by a test, it extends `expect`:
 *
 * ```ts
 * import { recordTrace } from 'paratrace/vitest';
 *
 * test('the kernel boots', () => {
 *   const trace = recordTrace(['build/kernel.elf', '--mode', 'pvh']);
 *   expect(trace).toReplayIdentically();
 *   expect(trace).toMatchGoldenTrace('boot');
 * });
 * ```
 *
 * Goldens lie beside the test, in `__traces__/FILE/NAME.pvt` with a text for reviews. They follow vitest's update flag: a new one is
 * written, except in continuous integration, where it fails; `-u` writes what changed and removes what no test asks for any more.
 */
import { afterAll, expect } from 'vitest';
import type { AspectName } from '../../analysis/diff/aspects.ts';
import { GoldenFolders, toMatchGoldenTrace } from './golden-matcher.ts';
import { reportObsolete } from './obsolete.ts';
import { type ReplayMatcherOptions, toReplayIdentically } from './replay-matcher.ts';

export { type RecordTraceOptions, recordTrace } from './record-trace.ts';
export type { ReplayMatcherOptions };

export interface GoldenMatcherOptions {
  /** Aspects that may differ, as `paratrace diff --ignore` takes them. Default: none. */
  readonly ignore?: readonly AspectName[];
}

interface TraceMatchers {
  /**
   * The trace is the golden one: the same bytes, or the same in all that is not ignored. The message of a failure says what differs.
   * @param name of the golden; by default that of the test, with a number
   */
  toMatchGoldenTrace(name?: string, options?: GoldenMatcherOptions): void;
  /** The trace replays to its end with every event and digest the same. The message of a failure says what differs first. */
  toReplayIdentically(options?: ReplayMatcherOptions): void;
}

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: an interface is merged only with the type parameters that it has.
  interface Matchers<T = any> extends TraceMatchers {}
}

/**
 * Extends `expect`, and looks for obsolete goldens when a test file has run. Importing this module does so once for a module instance,
 * which is once for each test file unless files are not isolated: then call it in a setup file of your own.
 */
export function installTraceMatchers(): void {
  const folders = new GoldenFolders();
  expect.extend({
    toMatchGoldenTrace(received: unknown, name?: string, options?: GoldenMatcherOptions) {
      return toMatchGoldenTrace(this, folders, received, name, options);
    },
    toReplayIdentically(received: unknown, options?: ReplayMatcherOptions) {
      return toReplayIdentically(this, received, options);
    },
  });
  // biome-ignore lint/correctness/noEmptyPattern: vitest takes fixtures from here, and there are none.
  afterAll(({}, file) => reportObsolete(folders, file, expect.getState().snapshotState));
}

installTraceMatchers();
