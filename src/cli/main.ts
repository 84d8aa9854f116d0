/** The command line as a function: arguments and a host in, an exit code out. */
import { Command, CommanderError } from 'commander';
import { EXIT_CODE, type ExitCode, formatError, ParatraceError } from '../errors.ts';
import type { Host } from './host/host.ts';
import { packageVersion } from './host/package-files.ts';
import { printable } from './printable.ts';
import { compareVerb } from './verbs/compare.ts';
import { costsVerb } from './verbs/costs.ts';
import { diffVerb } from './verbs/diff.ts';
import { eventsVerb } from './verbs/events.ts';
import { fsckVerb } from './verbs/fsck.ts';
import { goldenVerb } from './verbs/golden.ts';
import { guestsVerb } from './verbs/guests.ts';
import { packVerb } from './verbs/pack.ts';
import { recordVerb } from './verbs/record.ts';
import { replayVerb } from './verbs/replay.ts';
import { reportVerb } from './verbs/report.ts';
import { runVerb } from './verbs/run.ts';
import { statVerb } from './verbs/stat.ts';
import { trimVerb } from './verbs/trim.ts';
import { unpackVerb } from './verbs/unpack.ts';
import type { VerbContext } from './verbs/verb.ts';
import { whatifVerb } from './verbs/whatif.ts';

/** In the order of the help. */
const VERBS: ReadonlyMap<string, (context: VerbContext) => Command> = new Map([
  ['run', runVerb],
  ['record', recordVerb],
  ['replay', replayVerb],
  ['stat', statVerb],
  ['events', eventsVerb],
  ['report', reportVerb],
  ['trim', trimVerb],
  ['pack', packVerb],
  ['unpack', unpackVerb],
  ['fsck', fsckVerb],
  ['whatif', whatifVerb],
  ['compare', compareVerb],
  ['diff', diffVerb],
  ['golden', goldenVerb],
  ['guests', guestsVerb],
  ['costs', costsVerb],
]);

/** Runs one command. Throws nothing: every failure becomes a message on standard error and an exit code. */
export async function main(args: readonly string[], host: Host): Promise<ExitCode> {
  let code: ExitCode = EXIT_CODE.ok;
  try {
    const context: VerbContext = {
      host,
      exit: (result) => {
        code = result;
      },
    };
    // Where the verb comes first, the others need no options; the help and whatever is no verb want all of them.
    const verb = VERBS.get(args[0] ?? '');
    const program = buildProgram(context, verb === undefined ? [...VERBS.values()] : [verb]);
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    code = explain(error, host);
  }
  await host.stdout.drained();
  const { failure } = host.stdout;
  if (failure !== undefined) {
    const message = `standard output cannot be written: ${failure}`;
    code = explain(new ParatraceError('file.unreadable', message), host);
  }
  await host.stderr.drained();
  return code;
}

function buildProgram(context: VerbContext, verbs: readonly ((context: VerbContext) => Command)[]): Command {
  const { host } = context;
  const program = new Command('paratrace')
    .description('Record and replay paravirtual RISC-V guests bit for bit, and see their runs on a timeline.')
    .version(packageVersion(), '-V, --version')
    .addHelpText(
      'after',
      `
Try:
  paratrace record ring-tour -o tour.pvt
  paratrace replay tour.pvt
  paratrace report tour.pvt -o tour.html

Exit codes:
  0 ok; 1 the guest failed, or traces or goldens differ; 2 usage; 3 unreadable trace; 4 the replay differs; 70 a bug of paratrace`,
    );
  const commands = verbs.map((make) => make(context));
  for (const command of [program, ...commands, ...commands.flatMap((parent) => parent.commands)]) {
    const path = command === program ? [] : [command.parent?.name() ?? '', command.name()];
    command
      .exitOverride()
      .configureOutput({
        writeOut: (text) => host.stdout.write(text),
        writeErr: (text) => host.stderr.write(text),
        outputError: (text, write) => write(printable(`paratrace: ${text}`)),
      })
      .showHelpAfterError(`(${['paratrace', ...path.filter((name) => name !== '')].join(' ')} --help shows more)`);
  }
  for (const command of commands) program.addCommand(command);
  return program;
}

function explain(error: unknown, host: Host): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.ok : EXIT_CODE.usage;
  if (error instanceof ParatraceError) {
    host.stderr.write(printable(`paratrace: ${formatError(error)}\n`));
    return error.exitCode;
  }
  if (error instanceof RangeError && /WebAssembly\.Memory|allocat/i.test(error.message)) {
    return explain(new ParatraceError('usage.memory', `the host is out of memory: ${error.message}`), host);
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  host.stderr.write(
    `paratrace: this is a bug of paratrace, not of your guest or command. Please report it to its maintainers\nwith the command, the guest and this:\n${printable(stack)}\n`,
  );
  return EXIT_CODE.internal;
}
