/**
 * A region is not entered again once code of its page has changed. The check stands in the interpreter, where no wrong translator can
 * break it: here an interpreter without it is found out.
 */
import { expect, it, vi } from 'vitest';
import type { Expr } from '../../../src/machine/engine/expr.ts';
import { REGION } from '../../../src/machine/engine/layout.ts';
import { Fn } from '../../../src/machine/engine/wasm-module.ts';
import { crossCheck } from '../../support/program-runner.ts';

const GROUPS = 20;
const PROGRAMS = 10;

/** `eqz(generation of the page == generation of the record)`. */
function isGenerationCheck(test: Expr): boolean {
  if (test.kind !== 'op' || test.op !== 'eqz') return false;
  const [equal] = test.args;
  const [, record] = equal?.kind === 'op' && equal.op === 'eq' ? equal.args : [];
  return record?.kind === 'load' && record.offset === REGION.generation;
}

it('an interpreter that enters regions of code that has changed is found out', () => {
  const right = Fn.prototype.if;
  let checks = 0;
  const wrong = vi.spyOn(Fn.prototype, 'if').mockImplementation(function (this: Fn, test, then, otherwise) {
    if (isGenerationCheck(test)) checks++;
    else right.call(this, test, then, otherwise);
  });
  try {
    expect(() => {
      for (let group = 0; group < GROUPS; group++) crossCheck(`mutation ${group}`, PROGRAMS, [1, 2]);
    }).toThrow('the engine tiers differ');
    expect(checks, 'the mutation has found its place').toBeGreaterThan(0);
  } finally {
    wrong.mockRestore();
  }
});
