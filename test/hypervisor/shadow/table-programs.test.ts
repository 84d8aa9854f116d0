/** Kernels that are hostile to shadow page tables see the same in every mode as natively. */
import { expect, it } from 'vitest';
import { tableCheck } from '../../support/table-check.ts';

const PROGRAMS = 8;

it.each([0, 1, 2, 3, 4])('end alike (seed "tables %i")', (group) => {
  const exits = tableCheck(`tables ${group}`, PROGRAMS);
  for (const reason of ['shadow-fill', 'pte-write', 'page-fault', 'csr satp', 'access-fault']) {
    expect(exits.get(reason) ?? 0, reason).toBeGreaterThan(0);
  }
});
