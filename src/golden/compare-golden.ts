/** A golden trace held against a recording that was made now. */
import type { AspectName } from '../analysis/diff/aspects.ts';
import { type DiffWords, describeDiff, diffSentences } from '../analysis/diff/diff-text.ts';
import { diffTraces } from '../analysis/diff/trace-diff.ts';
import { SBI_NAMES } from '../analysis/sbi-names.ts';
import { symbolsOf } from '../analysis/symbols.ts';
import { openTrace, type TraceReader } from '../trace/reader.ts';
import type { GoldenResult } from './result.ts';
import { textDigest } from './text-digest.ts';

export interface GoldenFiles {
  readonly name: string;
  readonly file: string;
  readonly bytes: Uint8Array;
  /** The text beside the trace; undefined if there is none. */
  readonly text: string | undefined;
}

export interface CompareOptions {
  /** Aspects that may differ. */
  readonly ignore?: readonly AspectName[];
  /** The guest, where the traces do not hold it: for symbols. */
  readonly guest?: Uint8Array;
}

/** What the sides are called. */
const SIDES = ['golden', 'now'] as const;

/** @param now bytes of the trace that was recorded now */
export function compareGolden(
  golden: GoldenFiles,
  now: Uint8Array,
  { ignore = [], guest }: CompareOptions = {},
): GoldenResult {
  const { name, file, bytes, text } = golden;
  const result = { name, file };
  const trace = openTrace(bytes);
  if (!sameBytes(bytes, now)) {
    const current = openTrace(now);
    const diff = diffTraces(trace, current, { ignore, names: SBI_NAMES });
    const words: DiffWords = {
      names: SBI_NAMES,
      sides: SIDES,
      symbols: [symbolsOf(withGuest(trace, guest)), symbolsOf(withGuest(current, guest))],
    };
    if (!diff.same) {
      return {
        ...result,
        status: 'changed',
        sentences: diffSentences(diff, words),
        details: describeDiff(diff, words),
      };
    }
    if (ignore.length === 0) {
      const sentence = 'nothing in it differs, but its bytes do: the format or its compression has changed';
      return { ...result, status: 'changed', sentences: [sentence], details: [] };
    }
  }
  const wanted = textDigest(trace, SBI_NAMES);
  if (text === wanted) return { ...result, status: 'same', sentences: [], details: [] };
  return { ...result, status: 'text', sentences: [textSentence(text, wanted)], details: [] };
}

/** A trace that holds no guest, with one that is known to be its own. */
function withGuest(trace: TraceReader, guest: Uint8Array | undefined): Pick<TraceReader, 'header' | 'image'> {
  if (guest === undefined) return trace;
  const { header } = trace;
  return {
    header,
    image: (sha256) => trace.image(sha256) ?? (sha256 === header.config.guest.sha256 ? guest : undefined),
  };
}

/** The first line in which a text is not what it should be. */
function textSentence(text: string | undefined, wanted: string): string {
  if (text === undefined) return 'the text beside it is missing';
  const [lines, others] = [text.split('\n'), wanted.split('\n')];
  const at = others.findIndex((line, index) => line !== lines[index]);
  const index = at < 0 ? others.length : at;
  const shown = (line: string | undefined) => (line === undefined ? 'nothing' : `\`${line}\``);
  return `line ${index + 1} of the text beside it is ${shown(lines[index])}; its trace says ${shown(others[index])}`;
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}
