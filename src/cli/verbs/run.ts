/** `paratrace run`: a guest on a live host, without a trace. */
import type { Command } from 'commander';
import { addMachineOptions, GUEST_ARGUMENT, type MachineOptions, prepareRun } from '../machine-options.ts';
import { type VerbContext, verb } from './verb.ts';

/** Options of `run` and `record` that do not concern the machine. */
export interface LiveOptions extends MachineOptions {
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly profile?: boolean;
}

export const LIVE_NOTES: readonly string[] = [
  `Console:
  What the guest prints goes to standard output as it comes, everything else to standard error. On a terminal keys go to the
  guest; Ctrl-A x or Ctrl-C ends the run, Ctrl-A c types Ctrl-C, Ctrl-A a types Ctrl-A, Ctrl-A m sets a mark. A pipe is read as bytes come. A file
  (--stdin FILE or < FILE) is fed as the guest asks for it, so that recording twice gives the same bytes.`,
  `Exit codes:
  0 the guest ended with success; 1 it failed, was stuck, or was ended from outside; 2 usage; 70 a bug of paratrace.`,
];

export function runVerb({ host, exit }: VerbContext): Command {
  const command = verb('run', {
    summary: 'run a guest live, without a trace',
    description: 'Runs a guest on the modelled machine. The run is the same that `record` records.',
    examples: [
      ['paratrace run ring-tour', 'the bundled tour of SBI, interrupts and rings'],
      [
        'paratrace run u-boot.bin --memory 256M --drive disk.img',
        'an S-mode U-Boot with a disk, keys from the terminal',
      ],
      ['paratrace run test.elf --mode native --entry m --max-cycles 100M', 'a bare-metal program that ends by tohost'],
    ],
    notes: LIVE_NOTES,
  }).argument('<guest>', GUEST_ARGUMENT);
  return addLiveOptions(addMachineOptions(command)).action(async (guest: string, options: LiveOptions) => {
    const run = prepareRun(guest, options);
    const { liveRun } = await import('../live-run.ts');
    exit(await liveRun(host, run, liveOptionsOf(options)));
  });
}

export function addLiveOptions(command: Command): Command {
  return command
    .option('-q, --quiet', 'no progress and no summary')
    .option('-v, --verbose', 'also say how long it took to start the guest')
    .option('--profile', 'at the end, say where wall time went');
}

export function liveOptionsOf({ stdin, quiet = false, verbose = false, profile = false }: LiveOptions) {
  return { stdin, quiet, verbose, profile };
}
