/**
 * Two tables of 32,768 entries that fflate makes when it is loaded, as functions: to make them takes the command four milliseconds, in
 * code that V8 interprets, and a short run asks for a few hundred of their entries. What is computed is the same.
 */
import { readFileSync } from 'node:fs';

const REVERSED_TABLE =
  /var rev = new u16\(32768\);\nfor \(var i = 0; i < 32768; \+\+i\) \{\n[^}]*rev\[i\] = ([^;]*);\n\}/;

const CHANGES = [
  // The bits of a number of 15 bits the other way round.
  [
    REVERSED_TABLE,
    `var rev = function (i) {
    var x = ((i & 0xAAAA) >> 1) | ((i & 0x5555) << 1);
    x = ((x & 0xCCCC) >> 2) | ((x & 0x3333) << 2);
    x = ((x & 0xF0F0) >> 4) | ((x & 0x0F0F) << 4);
    return $1;
};`,
  ],
  ['co[rev[v] >> rvb] = sv', 'co[rev(v) >> rvb] = sv'],
  ['co[i] = rev[le[cd[i] - 1]++] >>', 'co[i] = rev(le[cd[i] - 1]++) >>'],
  // The code of a distance, by its highest bits, and above it what it is beyond the first distance of that code.
  [
    'var _b = freb(fdeb, 0), fd = _b.b, revfd = _b.r;',
    `var fd = freb(fdeb, 0, 1).b, revfd = function (j) {
    if (j < 5) return j - 1;
    var h = 31 - Math.clz32(j - 1), i = 2 * h + ((j - 1) >> (h - 1) & 1);
    return ((j - fd[i]) << 5) | i;
};`,
  ],
  ['var freb = function (eb, start) {', 'var freb = function (eb, start, noReverse) {'],
  ['    var r = new i32(b[30]);', '    if (noReverse) return { b: b };\n    var r = new i32(b[30]);'],
  ['(revfl[l] << 18) | revfd[d];', '(revfl[l] << 18) | revfd(d);'],
  ['din = revfd[d] & 31;', 'din = revfd(d) & 31;'],
];

/**
 * fflate's text with functions in the place of the tables.
 *
 * @param {string} text
 * @returns {string}
 */
export function withoutTables(text) {
  return CHANGES.reduce((before, [table, asFunction]) => {
    const after = before.replace(table, asFunction);
    // Another version of fflate has to be looked at again.
    if (after === before) throw new Error(`fflate has no ${table}`);
    return after;
  }, text);
}

/** A plug-in of esbuild. */
export const fflateTables = {
  name: 'fflate-tables',
  setup(build) {
    const filter = /[\\/]fflate[\\/]esm[\\/]browser\.js$/;
    build.onLoad({ filter }, ({ path }) => ({ contents: withoutTables(readFileSync(path, 'utf8')) }));
  },
};
