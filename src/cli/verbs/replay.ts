/** `paratrace replay`: runs a trace again and checks every event and digest. */
import type { Command } from 'commander';
import type { EngineChoice } from '../../machine/create-machine.ts';
import { checkTraceOutput } from '../host/files.ts';
import { engineOption } from '../machine-options.ts';
import { type VerbContext, verb } from './verb.ts';

export interface ReplayOptions {
  readonly output?: string;
  readonly image: readonly string[];
  readonly engine: EngineChoice;
  readonly console?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function replayVerb({ host, exit }: VerbContext): Command {
  return verb('replay', {
    summary: 'run a trace again and check that it is the same',
    description:
      'Runs what a trace recorded again, with its inputs at their places, and compares every event, every digest of the whole machine state and the end. Prints `identical`, or the first difference with both sides.',
    examples: [
      ['paratrace replay tour.pvt', 'events, cycles, digest, and `identical`'],
      ['paratrace replay tour.pvt -o again.pvt && cmp tour.pvt again.pvt', 'recording a replay gives the same bytes'],
      ['paratrace replay u.pvt --image disk.img', 'an image that the trace names by digest only'],
    ],
    notes: [
      `Images:
  What the trace does not hold is looked for in --image files, beside the trace, under its recorded name, and among what
  comes with paratrace; the digest decides.`,
      `Exit codes:
  0 identical (whatever the guest's own status was); 2 usage; 3 the trace is damaged or cut off: checked as far as it is whole;
  4 the replay differs; 70 a bug of paratrace.`,
    ],
  })
    .argument('<trace>', 'a trace that `record` wrote')
    .option('-o, --output <file>', 'record the replay into this trace')
    .option(
      '--image <file>',
      'look here for images; can be repeated',
      (file: string, before: string[]) => [...before, file],
      [],
    )
    .addOption(engineOption())
    .option('--console', 'print what the guest printed, on standard output')
    .option('--json', 'the result as JSON')
    .option('-q, --quiet', 'no progress')
    .action(async (path: string, options: ReplayOptions) => {
      if (options.output !== undefined) checkTraceOutput(options.output, [path, ...options.image]);
      const { runReplay } = await import('../replay-run.ts');
      exit(await runReplay(host, path, options));
    });
}
