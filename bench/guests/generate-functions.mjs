/**
 * Writes the functions of the guest `large-code` as C: each mixes two numbers by a dozen statements of its own, with branches and
 * a short loop, so that no two are alike. The same file every time.
 *
 *   node generate-functions.mjs OUT.c
 */
import { writeFileSync } from 'node:fs';

const FUNCTIONS = 3400;
const STATEMENTS = 14;

let state = 12345;
/** A number from 0 to below `bound`. */
function random(bound) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * bound);
}

const number = () => `${random(2 ** 31)}ul`;
const shift = () => 1 + random(30);
const STATEMENT_KINDS = [
  () => `a += b * ${number()};`,
  () => `b ^= a >> ${shift()};`,
  () => `a = (a << ${shift()}) - b;`,
  () => `if (a & ${1 << random(12)}) b += ${number()}; else a ^= ${number()};`,
  () => `if (b > a) { b -= a >> ${shift()}; }`,
  () => `table[(a >> ${shift()}) & 255] += b;`,
  () => `b += table[(b >> ${shift()}) & 255];`,
  () => `for (u64 i = 0; i < ${2 + random(4)}; i++) a += b >> i;`,
];

function functionText(index) {
  const statements = Array.from({ length: STATEMENTS }, () => STATEMENT_KINDS[random(STATEMENT_KINDS.length)]());
  return `static u64 f${index}(u64 a, u64 b) {\n  ${statements.join('\n  ')}\n  return a + b;\n}\n`;
}

const out = process.argv[2];
if (out === undefined) throw new Error('usage: node generate-functions.mjs OUT.c');
const names = Array.from({ length: FUNCTIONS }, (_, index) => `f${index}`);
writeFileSync(
  out,
  `#include "base.h"\n
static u64 table[256];\n
${names.map((_, index) => functionText(index)).join('')}
u64 (*const functions[])(u64, u64) = {${names.join(', ')}};
const u32 function_count = ${FUNCTIONS};
`,
);
