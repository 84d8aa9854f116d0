/** Says what differs between two traces, and writes a page of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diffSentences, diffTraces, openTrace, renderDiff, SBI_NAMES, symbolsOf } from 'paratrace';

const open = (name) => openTrace(readFileSync(new URL(`../../traces/${name}.pvt`, import.meta.url)));
const [left, right] = [open('mini-os-fork-hvm'), open('mini-os-fork-hvm-pv')];

const diff = diffTraces(left, right, { names: SBI_NAMES, ignore: ['cycles', 'icount', 'pc', 'digests'] });
const words = { names: SBI_NAMES, sides: ['hvm', 'hvm-pv'], symbols: [symbolsOf(left), symbolsOf(right)] };
for (const sentence of diffSentences(diff, words).slice(0, 4)) console.log(sentence);
assert.equal(diff.same, false);
assert.equal(diff.header[0]?.path, 'mode');

const folder = mkdtempSync(join(tmpdir(), 'paratrace-example-'));
writeFileSync(join(folder, 'page.html'), renderDiff(diff, words));
rmSync(folder, { recursive: true });
