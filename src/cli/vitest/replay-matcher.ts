/** `toReplayIdentically`: a trace against a replay of it. */
import type { MatcherState } from 'vitest';
import { describeDivergence } from '../../analysis/divergence-text.ts';
import { SBI_NAMES } from '../../analysis/sbi-names.ts';
import { formatError, ParatraceError } from '../../errors.ts';
import { createMachine } from '../../machine/create-machine.ts';
import { ReplayDivergence } from '../../replayer/divergence.ts';
import { Replay } from '../../replayer/replay.ts';
import { resolveImages } from '../../trace/images.ts';
import { openTrace } from '../../trace/reader.ts';
import { recordedCore } from '../../trace/recorded-profiles.ts';
import { sha256 } from '../host/files.ts';
import { imageFinder } from '../host/images.ts';
import type { MatcherResult } from './golden-matcher.ts';
import { receivedTrace } from './received.ts';

export interface ReplayMatcherOptions {
  /** Files of images that the trace names by digest, besides those that come with Paratrace. */
  readonly images?: readonly string[];
}

const SLICE_CYCLES = 50_000_000;

export function toReplayIdentically(
  state: Pick<MatcherState, 'isNot'>,
  received: unknown,
  { images = [] }: ReplayMatcherOptions = {},
): MatcherResult {
  try {
    const path = typeof received === 'string' ? received : '';
    const events = replay(receivedTrace(received), path, images);
    return {
      pass: true,
      message: () => `expected the trace not to replay identically; all ${events} events are the same`,
    };
  } catch (error) {
    if (error instanceof ReplayDivergence) {
      const lines = [`the replay differs: ${error.message}`, ...describeDivergence(error.report, SBI_NAMES)];
      return { pass: false, message: () => lines.join('\n') };
    }
    // A trace that cannot be replayed is neither identical nor different.
    if (state.isNot || !(error instanceof ParatraceError)) throw error;
    return { pass: false, message: () => `the trace cannot be replayed: ${formatError(error)}` };
  }
}

/** @returns events that were the same */
function replay(bytes: Uint8Array, path: string, named: readonly string[]): number {
  const trace = openTrace(bytes);
  const { config } = trace.header;
  const images = resolveImages(config, (digest) => trace.image(digest), imageFinder(path, named), sha256);
  const coreProfile = recordedCore(config.core);
  const run = new Replay(
    trace,
    images,
    { console: { write: () => {} } },
    (machine) => createMachine(machine, 'interpreter'),
    { ...(coreProfile !== undefined && { coreProfile }) },
  );
  while (run.run(SLICE_CYCLES) === undefined);
  return run.verified.events;
}
