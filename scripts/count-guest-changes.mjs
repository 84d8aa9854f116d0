/**
 * Counts what two builds of a guest share and what each has alone: files, lines of code, functions. The package ships without the
 * sources of guests, so the counts are made with the images and committed.
 *
 *   node scripts/count-guest-changes.mjs GROUP FILE... [-- GROUP FILE...]...
 *
 * prints a JSON object of groups. A line counts if it has code on it; a function is a definition in C or a global label in assembly.
 */
import { readFileSync } from 'node:fs';

const groups = process.argv.slice(2).join('\n').split('\n--\n');
const counts = groups.map((group) => {
  const [name, ...files] = group.split('\n');
  return [name, files.map(count).reduce(add, { files: 0, lines: 0, functions: 0 })];
});
process.stdout.write(`${JSON.stringify(Object.fromEntries(counts), undefined, 2)}\n`);

function count(file) {
  const code = readFileSync(file, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  return { files: 1, lines: code.length, functions: code.filter(isFunction).length };
}

/** clang-format's style: a definition begins in the first column, and its brace ends that line or its body is on it. */
function isFunction(line) {
  return /^[a-z][^=;]*\) \{/.test(line) || /^\.globl /.test(line);
}

function add(left, right) {
  return {
    files: left.files + right.files,
    lines: left.lines + right.lines,
    functions: left.functions + right.functions,
  };
}
