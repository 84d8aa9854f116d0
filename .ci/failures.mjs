/**
 * Says what failed in a run of `.ci/run`: every step with the end of its output, every test with the beginning of its message.
 *
 *   node .ci/failures.mjs FOLDER
 *
 * FOLDER has `PROJECT.json` (vitest's report) or `PROJECT.missing` for each test project, and `STEP.failed` (its output) for each step
 * that failed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const MESSAGE_LINES_MAX = 8;
const OUTPUT_LINES_MAX = 15;
const LINE_CHARS_MAX = 300;

const [folder = ''] = process.argv.slice(2);
const lines = readdirSync(folder)
  .sort()
  .flatMap((file) => {
    const [, name, kind] = /^(.*)\.(json|missing|failed)$/.exec(file) ?? [];
    if (kind === 'json') return failedTests(name, JSON.parse(readFileSync(join(folder, file), 'utf8')));
    if (kind === 'missing') return [`tests ${name}: no report; vitest itself failed`];
    if (kind === 'failed') return [`step ${name}:`, ...tail(readFileSync(join(folder, file), 'utf8'))];
    return [];
  });
if (lines.length > 0) console.log(['', '== what failed ==', ...lines, ''].join('\n'));

function failedTests(project, { testResults }) {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const where = `tests ${project}: ${relative(process.cwd(), name)}`;
    const failed = assertionResults.filter((test) => test.status !== 'passed');
    // A file that cannot be loaded, or whose hooks fail, has failed without a test of its own that says so.
    const wholeFile = status === 'failed' && !failed.some((test) => test.status === 'failed');
    return [
      ...(wholeFile ? [where, ...head(message)] : []),
      ...failed.flatMap((test) => [
        `${where} > ${test.fullName}${test.status === 'failed' ? '' : ` (${test.status})`}`,
        ...(test.failureMessages ?? []).flatMap(head),
      ]),
    ];
  });
}

function head(text) {
  return indented(cleaned(text).slice(0, MESSAGE_LINES_MAX));
}

function tail(text) {
  return indented(cleaned(text).slice(-OUTPUT_LINES_MAX));
}

/** Lines without colours and without those that say nothing. */
function cleaned(text) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what starts an escape sequence is a control character
  const plain = text.replaceAll(/\x1b\[[0-9;]*[A-Za-z]/g, '');
  return plain.split(/\r?\n/).filter((line) => line.trim() !== '');
}

function indented(texts) {
  return texts.map((line) => `    ${line.slice(0, LINE_CHARS_MAX)}`);
}
