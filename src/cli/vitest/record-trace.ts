/** Records a run in a test: what `paratrace record` does, as a function that gives the bytes of the trace. */
import { recordRun } from '../../golden/record-again.ts';
import { createMachine } from '../../machine/create-machine.ts';
import { prepareArguments } from '../golden/record-arguments.ts';
import { readFile } from '../host/files.ts';

export interface RecordTraceOptions {
  /** `embedded` (default): images that are small enough are kept in the trace. `named`: none is, only their digests are. */
  readonly images?: 'embedded' | 'named';
}

/**
 * Runs a guest to its end. Console input comes from `--stdin FILE`; without it there is none.
 * @param args as for `paratrace record`, with the guest and without `-o`; paths are from the present folder on
 * @throws ParatraceError for what cannot be run
 */
export function recordTrace(args: readonly string[], { images = 'embedded' }: RecordTraceOptions = {}): Uint8Array {
  const run = prepareArguments(args);
  const input = run.stdin === undefined ? undefined : readFile(run.stdin);
  const plan = { ...run, input, embedsImages: images === 'embedded' };
  return recordRun(plan, (machine) => createMachine(machine, run.engine)).bytes;
}
