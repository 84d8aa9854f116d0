/**
 * A region is not entered again once code of its page has changed. The checks stand in the interpreter, where no wrong translator can
 * break them: here an interpreter without one of them is found out.
 */
import { afterEach, expect, it, vi } from 'vitest';
import type { Expr } from '../../../src/machine/engine/expr.ts';
import { JUMP, planMemory, REGION } from '../../../src/machine/engine/layout.ts';
import { Fn } from '../../../src/machine/engine/wasm-module.ts';
import { GUEST } from '../../support/program-generator.ts';
import { crossCheck } from '../../support/program-runner.ts';

const GROUPS = 20;
const PROGRAMS = 10;

const argsOf = (expr: Expr | undefined, op: string): readonly Expr[] =>
  expr?.kind === 'op' && expr.op === op ? expr.args : [];

/** `eqz(generation of the page == generation of the record)`. */
function checksRecord(test: Expr): boolean {
  const [, record] = argsOf(argsOf(test, 'eqz')[0], 'eq');
  return record?.kind === 'load' && record.offset === REGION.generation;
}

/** `generation in the jump cache != generation of the page`. */
function checksJump(test: Expr): boolean {
  const [jump] = argsOf(test, 'ne');
  const { jumps } = planMemory(GUEST.memoryBytes);
  return jump?.kind === 'load' && jump.offset === jumps + JUMP.generation;
}

afterEach(() => {
  vi.restoreAllMocks();
});

function expectFoundOut(checks: () => number): void {
  expect(() => {
    for (let group = 0; group < GROUPS; group++) crossCheck(`mutation ${group}`, PROGRAMS, [1, 2]);
  }).toThrow('the engine tiers differ');
  expect(checks(), 'the mutation has found its place').toBeGreaterThan(0);
}

it('an interpreter that enters regions of code that has changed is found out', () => {
  const right = Fn.prototype.if;
  let checks = 0;
  vi.spyOn(Fn.prototype, 'if').mockImplementation(function (this: Fn, test, then, otherwise) {
    if (checksRecord(test)) checks++;
    else right.call(this, test, then, otherwise);
  });
  expectFoundOut(() => checks);
});

it('a jump cache that leads to regions of code that has changed is found out', () => {
  const right = Fn.prototype.brIf;
  let checks = 0;
  vi.spyOn(Fn.prototype, 'brIf').mockImplementation(function (this: Fn, label, test) {
    if (checksJump(test)) checks++;
    else right.call(this, label, test);
  });
  expectFoundOut(() => checks);
});
