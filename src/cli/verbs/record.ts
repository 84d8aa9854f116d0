/** `paratrace record`: a guest on a live host, with a trace. */
import type { Command } from 'commander';
import type { WantedMark } from '../../session/marks.ts';
import { checkTraceOutput } from '../host/files.ts';
import { addMachineOptions, GUEST_ARGUMENT, prepareRun } from '../machine-options.ts';
import { markOption } from '../marks.ts';
import { addLiveOptions, LIVE_NOTES, type LiveOptions, liveOptionsOf } from './run.ts';
import { type VerbContext, verb } from './verb.ts';

interface RecordOptions extends LiveOptions {
  readonly output: string;
  readonly mark: readonly WantedMark[];
}

export function recordVerb({ host, exit }: VerbContext): Command {
  const command = verb('record', {
    summary: 'run a guest live and write a trace of it',
    description:
      'Runs a guest and writes a trace (.pvt): its inputs, every event, and digests of the whole machine state. The same guest, options and input give the same bytes on every host.',
    examples: [
      ['paratrace record ring-tour -o tour.pvt', 'a trace of the bundled tour'],
      [
        'paratrace record u-boot.bin --drive disk.img --stdin commands.txt -o u.pvt',
        'U-Boot, with commands typed from a file',
      ],
      ['paratrace record ring-tour --harts 4 -o four.pvt', 'four harts in turns on one clock'],
      ['paratrace record ring-tour --mark late@200k -o tour.pvt', 'a name for a place, for `events --from @late`'],
    ],
    notes: [
      ...LIVE_NOTES,
      `Trace:
  It is written as the run goes on, under its name and \`.partial\` until it is complete. Ctrl-C completes it (the run then ends with
  the reason \`interrupted\`, and replays); if the process is killed, what is there can be read and replayed up to its last chunk, and
  \`fsck\` repairs it. Images of up to 1 MiB, and larger ones that
  compress to it, are kept in the trace; others are named by digest, and \`replay\` needs them again unless \`pack\` puts them in.`,
    ],
  })
    .argument('<guest>', GUEST_ARGUMENT)
    .requiredOption('-o, --output <file>', 'the trace to write')
    .addOption(markOption());
  return addLiveOptions(addMachineOptions(command)).action(async (guest: string, options: RecordOptions) => {
    const run = prepareRun(guest, options);
    checkTraceOutput(options.output, run.inputFiles);
    const [{ liveRun }, { TraceFile }] = await Promise.all([import('../live-run.ts'), import('../host/trace-file.ts')]);
    exit(await liveRun(host, run, { ...liveOptionsOf(options), marks: options.mark }, new TraceFile(options.output)));
  });
}
