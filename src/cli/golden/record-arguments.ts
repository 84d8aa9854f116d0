/** The arguments of `paratrace record` where they come from a file or a program: the guest, the machine options and marks. */
import { Command, CommanderError } from 'commander';
import { ParatraceError } from '../../errors.ts';
import type { WantedMark } from '../../session/marks.ts';
import { addMachineOptions, type MachineOptions, type PreparedRun, prepareRun } from '../machine-options.ts';
import { markOption } from '../marks.ts';

export interface ArgumentsRun extends PreparedRun {
  /** File of the console input; undefined: there is none. */
  readonly stdin: string | undefined;
  readonly marks: readonly WantedMark[];
}

/**
 * Reads the files of a run, with paths from the present folder on as for `record`.
 * @throws ParatraceError `golden.manifest` for arguments that `record` would not take, and whatever `record` throws
 */
export function prepareArguments(args: readonly string[]): ArgumentsRun {
  const command = addMachineOptions(new Command('record').argument('<guest>').addOption(markOption()));
  command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} });
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const message = `\`${args.join(' ')}\`: ${error.message.replace(/^error: /, '')}`;
    throw new ParatraceError('golden.manifest', message);
  }
  const options = command.opts<MachineOptions & { mark: readonly WantedMark[] }>();
  if (options.stdin === '-') {
    throw new ParatraceError('golden.manifest', '`--stdin -`: the input of a golden comes from a file');
  }
  return { ...prepareRun(command.args[0] ?? '', options), stdin: options.stdin, marks: options.mark };
}
