/**
 * Golden texts of generated code: small programs as the translator writes them, and one handler of the interpreter, for people
 * to read when code generation changes. `docs/engine.md` quotes from them.
 *
 * `UPDATE_GOLDENS=1 npx vitest run --project core test/machine/engine/golden-text` accepts a change, in the quotes too; never
 * with `CI` set. Read the difference before it is committed.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { lwHandlerText, regionText } from '../../support/generated-text.ts';
import { validateWat } from '../../support/wat.ts';

const FOLDER = fileURLToPath(new URL('golden', import.meta.url));
const PAGE = fileURLToPath(new URL('../../../docs/engine.md', import.meta.url));
const UPDATE = process.env.UPDATE_GOLDENS === '1' && !process.env.CI;

const SUM = `
  head: addi a0, a0, 8
  lw a1, 0(a0)
  add a2, a2, a1
  addi a3, a3, -1
  bne a3, zero, head
`;

/** Each begins at its first instruction. */
const REGIONS = {
  'loop-direct': { about: 'A counted loop, memory reached directly', variant: 'direct', source: SUM },
  'loop-tlb': { about: 'The same loop, memory reached through the TLB', variant: 'tlb', source: SUM },
  'inlined-call': {
    about: 'A call inside the page, with its return',
    variant: 'direct',
    source: `
      jal ra, callee
      add a1, a1, a0
      jalr zero, 0(s0)
      callee: addi a0, a0, 1
      ret
    `,
  },
  store: {
    about: 'Two stores, each with its side exits',
    variant: 'direct',
    source: `
      addi a0, a0, 8
      sw a1, 0(a0)
      sb a1, 4(a0)
      jalr zero, 0(ra)
    `,
  },
  'store-tlb': {
    about: 'The same stores through the TLB',
    variant: 'tlb',
    source: `
      addi a0, a0, 8
      sw a1, 0(a0)
      sb a1, 4(a0)
      jalr zero, 0(ra)
    `,
  },
  'lr-sc': {
    about: 'An atomic increment with LR and SC',
    variant: 'direct',
    source: `
      again: lr.w a1, zero, (a0)
      addi a1, a1, 1
      sc.w a2, a1, (a0)
      bne a2, zero, again
      jalr zero, 0(ra)
    `,
  },
  diamond: {
    about: 'Two ways that meet again',
    variant: 'direct',
    source: `
      blt a0, a1, less
      sub a2, a0, a1
      j join
      less: sub a2, a1, a0
      join: add a3, a3, a2
      jalr zero, 0(ra)
    `,
  },
  skipped: {
    about: 'A branch over a short computation',
    variant: 'direct',
    source: `
      again: srliw a1, a1, 1
      beq a2, zero, over
      xor a1, a1, a3
      addiw a0, a1, 0
      over: addi a4, a4, -1
      bne a4, zero, again
      jalr zero, 0(ra)
    `,
  },
  counter: {
    about: 'Reading the clock',
    variant: 'direct',
    source: `
      addi a0, a0, 1
      csrrs a1, time, zero
      jalr zero, 0(ra)
    `,
  },
  irreducible: {
    about: 'A loop with two ways in: one backward edge becomes an exit',
    variant: 'direct',
    source: `
      beq a0, zero, second
      first: addi a1, a1, 1
      second: addi a2, a2, 1
      blt a2, a3, first
      blt a1, a3, second
      jalr zero, 0(ra)
    `,
  },
} as const;

function compare(name: string, text: string): void {
  const path = join(FOLDER, `${name}.wat`);
  if (UPDATE) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(path, text);
  }
  expect(text).toBe(readFileSync(path, 'utf8'));
}

/** What `docs/engine.md` quotes of a golden: from a comment on, all that belongs to that instruction, less its indentation. */
function excerpt(golden: string, from: string): string {
  const lines = readFileSync(join(FOLDER, golden), 'utf8').split('\n');
  const first = lines.findIndex((line) => line.trim() === from);
  expect(first, `${golden} has "${from}"`).toBeGreaterThan(0);
  const indent = (line: string) => line.length - line.trimStart().length;
  const depth = indent(lines[first] ?? '');
  const count = lines.slice(first + 1).findIndex((line) => /^ *;; /.test(line) || indent(line) < depth || line === '');
  return lines
    .slice(first, first + 1 + count)
    .map((line) => `${line.slice(depth)}\n`)
    .join('');
}

describe('the text of', () => {
  it.each(Object.entries(REGIONS))('region %s is as accepted', (name, { about, source, variant }) => {
    const text = regionText(source, variant);
    const services = `
      (import "env" "refill" (func $env.refill (param i32 i64 i32) (result i32)))
      (import "env" "readCounter" (func $env.readCounter (param i32 i32) (result i32)))`;
    validateWat(`(module (import "env" "memory" (memory 1)) ${services}\n${text})`);
    const listing = source.trim().replaceAll(/^ *(?:(\w+): *)?/gm, (_, label) => `;;   ${label ? `${label}: ` : ''}`);
    compare(name, `;; ${about}.\n;;\n${listing}\n\n${text}`);
  });

  it("the interpreter's handler of lw is as accepted", () => {
    compare('interpreter-lw', lwHandlerText());
  });

  it('nothing else is accepted', () => {
    const known = [...Object.keys(REGIONS), 'interpreter-lw'].map((name) => `${name}.wat`);
    expect(readdirSync(FOLDER).sort()).toEqual(known.sort());
  });
});

describe('docs/engine.md', () => {
  it('quotes the accepted texts', () => {
    const page = readFileSync(PAGE, 'utf8');
    let quotes = 0;
    const current = page.replaceAll(/^```wat (\S+)\n(.*)\n(?:.*\n)*?```$/gm, (_, golden: string, from: string) => {
      quotes++;
      return `\`\`\`wat ${golden}\n${excerpt(golden, from)}\`\`\``;
    });
    expect(quotes).toBeGreaterThanOrEqual(3);
    if (UPDATE && current !== page) writeFileSync(PAGE, current);
    expect(UPDATE ? current : page).toBe(current);
  });
});
