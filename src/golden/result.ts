/** What became of a golden when it was recorded again, and the reports that continuous integration reads. */

/**
 * `same`; `changed`: the run is another one; `text`: the run is the same, the text beside the trace is not its own; `missing`: the manifest
 * names it, and it is not there; `obsolete`: it is there, and the manifest does not name it; `error`: it cannot be read or run.
 */
export type GoldenStatus = 'same' | 'changed' | 'text' | 'missing' | 'obsolete' | 'error';

/** Plain data: it crosses from workers. */
export interface GoldenResult {
  readonly name: string;
  /** Path of the trace. */
  readonly file: string;
  readonly status: GoldenStatus;
  /** What is wrong in a few sentences; empty if nothing is. */
  readonly sentences: readonly string[];
  /** All that is known of a change, as lines. */
  readonly details: readonly string[];
}

export const REPORTERS = ['text', 'junit', 'tap', 'github'] as const;
export type ReporterName = (typeof REPORTERS)[number];

const ABOUT: Readonly<Record<GoldenStatus, string>> = {
  same: 'is the same',
  changed: 'is recorded differently now',
  text: 'has a text that is not its own',
  missing: 'is missing',
  obsolete: 'is obsolete',
  error: 'cannot be recorded again',
};

/** Results as text, in their order. The same text for the same results: no times, no host. */
export function reportGoldens(results: readonly GoldenResult[], reporter: ReporterName): string {
  switch (reporter) {
    case 'text':
      return textReport(results);
    case 'junit':
      return junitReport(results);
    case 'tap':
      return tapReport(results);
    case 'github':
      return `${githubAnnotations(results)}${textReport(results)}`;
  }
}

/** One sentence for a golden. */
export function headlineOf({ name, status }: GoldenResult): string {
  return `${name} ${ABOUT[status]}`;
}

function textReport(results: readonly GoldenResult[]): string {
  const lines = results.flatMap((result) => {
    const mark = result.status === 'same' ? 'ok' : 'FAILED';
    const sentences = result.sentences.map((sentence) => `    * ${sentence}`);
    return [`${mark.padEnd(6)} ${headlineOf(result)}`, ...sentences];
  });
  const failed = failuresOf(results).length;
  return `${[...lines, `${results.length - failed} the same, ${failed} failed`].join('\n')}\n`;
}

function junitReport(results: readonly GoldenResult[]): string {
  const cases = results.map((result) => {
    const open = `    <testcase classname="golden" name="${escapeXml(result.name)}" file="${escapeXml(result.file)}"`;
    if (result.status === 'same') return `${open}/>`;
    const text = [...result.sentences, '', ...result.details].join('\n');
    return `${open}>\n      <failure type="${result.status}" message="${escapeXml(headlineOf(result))}">${escapeXml(text)}</failure>\n    </testcase>`;
  });
  const counts = `tests="${results.length}" failures="${failuresOf(results).length}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts}>\n  <testsuite name="golden traces" ${counts}>\n${cases.map((line) => `${line}\n`).join('')}  </testsuite>\n</testsuites>\n`;
}

/** TAP version 14: a YAML block holds what is wrong, as a literal. */
function tapReport(results: readonly GoldenResult[]): string {
  const lines = results.flatMap((result, index) => {
    const point = `ok ${index + 1} - ${result.name.replaceAll('#', '\\#')}`;
    if (result.status === 'same') return [point];
    const sentences = result.sentences.map((sentence) => `    ${sentence}`);
    return [
      `not ${point}`,
      '  ---',
      `  message: ${JSON.stringify(headlineOf(result))}`,
      '  differences: |',
      ...sentences,
      '  ...',
    ];
  });
  return `${['TAP version 14', `1..${results.length}`, ...lines].join('\n')}\n`;
}

/** Workflow commands: https://docs.github.com/actions, "Workflow commands". */
function githubAnnotations(results: readonly GoldenResult[]): string {
  const data = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const property = (text: string) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return failuresOf(results)
    .map((result) => {
      const message = [headlineOf(result), ...result.sentences].join('\n');
      return `::error file=${property(result.file)},title=${property(`golden ${result.name}`)}::${data(message)}\n`;
    })
    .join('');
}

function failuresOf(results: readonly GoldenResult[]): readonly GoldenResult[] {
  return results.filter(({ status }) => status !== 'same');
}

/** Characters that XML 1.0 has no way to write are left out. */
function escapeXml(text: string): string {
  const written = Array.from(text).filter((character) =>
    /[\t\n\r\u0020-\ud7ff\ue000-\ufffd]|[\u{10000}-\u{10ffff}]/u.test(character),
  );
  return written
    .join('')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
