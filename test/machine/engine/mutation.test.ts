/** The cross-check finds wrong translators: each mutation of the code generator is told from the right one. */
import { describe, expect, it, vi } from 'vitest';
import { GuestRegisters, type Known } from '../../../src/machine/engine/regions/guest-registers.ts';
import { MUTATIONS, type Mutation, mutatedWriter } from '../../support/mutations.ts';
import { crossCheck } from '../../support/program-runner.ts';

const GROUPS = 20;
const PROGRAMS = 10;
const HARTS = [1, 2];

/** Runs until a difference is found; gives what was said of it. */
function firstDifference(mutation: Omit<Mutation, 'name'>): { difference: string; changes: number } {
  const writer = mutatedWriter(mutation);
  for (let group = 0; group < GROUPS; group++) {
    try {
      crossCheck(`mutation ${group}`, PROGRAMS, HARTS, writer.write);
    } catch (error) {
      return { difference: String(error), changes: writer.changes() };
    }
  }
  return { difference: 'none', changes: writer.changes() };
}

describe('a translator in which', () => {
  it.each(MUTATIONS)('$name is found out', (mutation) => {
    const { difference, changes } = firstDifference(mutation);
    expect(changes, 'the mutation has found its place').toBeGreaterThan(0);
    expect(difference).toContain('the engine tiers differ');
  });

  it('what is learnt on one way of a branch is believed on the other is found out', () => {
    const right = GuestRegisters.prototype.continueWith;
    const wrong = vi.spyOn(GuestRegisters.prototype, 'continueWith');
    wrong.mockImplementation(function (this: GuestRegisters, { written }: Known) {
      right.call(this, { words: this.known.words, written });
    });
    const { difference } = firstDifference({});
    wrong.mockRestore();
    expect(difference).toContain('the engine tiers differ');
  });

  it('nothing is wrong is not', () => {
    expect(crossCheck('mutation 0', PROGRAMS, HARTS, mutatedWriter({}).write).regions).toBeGreaterThan(0);
  });
});
