/** A bundled guest with the options of the command line, ready to be put into a session. */
import { Command } from 'commander';
import { addMachineOptions, type MachineOptions, type PreparedRun, prepareRun } from '../../src/cli/machine-options.ts';
import type { ModeName } from '../../src/session/config.ts';

export function preparedGuest(guest: string, mode: ModeName, args: readonly string[]): PreparedRun {
  const command = addMachineOptions(new Command('test'));
  command.parse([...args, '--mode', mode], { from: 'user' });
  return prepareRun(guest, command.opts<MachineOptions>());
}
