/** All cases of one run, in an order that the seed alone decides, cut into images. */
import { must } from '../../../src/assert.ts';
import { CSR_FAMILIES, CSR_NUMBERS } from '../../../src/machine/csr-numbers.ts';
import type { OracleCase } from './case.ts';
import { everyHalf, generateRow, nearlyLegal, PLAIN_ROWS } from './generate-instructions.ts';
import { pagedAccess, pagedFetch } from './generate-paging.ts';
import { csrWrite, everyCsrRead, exceptions, interrupts, returnsAndWaits, satpWrite } from './generate-privileged.ts';
import { CASES_MAX } from './layout.ts';
import type { Random } from './random.ts';

const PER_ROW = 700;
const COUNTS = {
  nearlyLegal: 8_000,
  csrWrite: 16_000,
  interrupts: 4_000,
  exceptions: 4_000,
  returnsAndWaits: 3_000,
  satpWrite: 1_000,
  pagedAccess: 30_000,
  pagedFetch: 6_000,
} as const;

const CSRS: Readonly<Record<string, number>> = { ...CSR_NUMBERS, ...CSR_FAMILIES };
/**
 * CSRs that are written. The event counters, `mcountinhibit` and the upper PMP entries may be read-only zero (Privileged ISA 3.1.10,
 * 3.1.12, 3.7.1) and are here, but not in QEMU: they are only read.
 */
const CSR_NAMES = Object.keys(CSRS).filter((name) => !/hpm|^mcountinhibit$|^pmpaddr([89]|1.)$|^pmpcfg2$/.test(name));

/** `trapVector` is the harness's handler: the value that `mtvec` is put back to. */
export function planCases(random: Random, trapVector: bigint): OracleCase[] {
  const cases: OracleCase[] = [];
  for (const row of PLAIN_ROWS) for (let i = 0; i < PER_ROW; i++) cases.push(generateRow(row, random));
  cases.push(...everyHalf(random), ...everyCsrRead(random));
  const several = (count: number, make: (random: Random) => OracleCase | undefined) => {
    for (let i = 0; i < count; i++) {
      const made = make(random);
      if (made !== undefined) cases.push(made);
    }
  };
  const numberOf = (name: string) => must(CSRS[name], 'a CSR of the table');
  several(COUNTS.nearlyLegal, nearlyLegal);
  several(COUNTS.csrWrite, (r) => csrWrite(r, trapVector, CSR_NAMES, numberOf));
  several(COUNTS.interrupts, interrupts);
  several(COUNTS.exceptions, exceptions);
  several(COUNTS.returnsAndWaits, returnsAndWaits);
  several(COUNTS.satpWrite, satpWrite);
  several(COUNTS.pagedAccess, pagedAccess);
  several(COUNTS.pagedFetch, pagedFetch);
  return cases;
}

export function inBatches(cases: readonly OracleCase[]): OracleCase[][] {
  const batches: OracleCase[][] = [];
  for (let from = 0; from < cases.length; from += CASES_MAX) batches.push(cases.slice(from, from + CASES_MAX));
  return batches;
}
