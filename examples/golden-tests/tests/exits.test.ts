/** What a test of its own can say of a trace with the library: that a change costs no more exits than it should. */
import { computeStatistics, diffTraces, openTrace, SBI_NAMES } from 'paratrace';
import { recordTrace } from 'paratrace/vitest';
import { expect, it } from 'vitest';

const record = (mode: string) => openTrace(recordTrace(['ring-tour', '--mode', mode, '--append', 'no-rings']));

it('makes no more hypercalls under one mode than under the other', () => {
  const { kinds } = diffTraces(record('hvm'), record('pvh'), { names: SBI_NAMES, ignore: ['header'] });
  const more = kinds.filter(({ kind, left, right }) => kind === 'hypercall' && right > left);
  expect(more).toEqual([]);
});

it('spends less than half of its cycles in the hypervisor', () => {
  const trace = record('pvh');
  const { cycles, hypervisorCycles } = computeStatistics(trace.events(), 1, SBI_NAMES, trace.end);
  expect(hypervisorCycles).toBeLessThan(cycles / 2);
});
