/** What all verbs share: how they are made, and how their help ends. */
import { Command } from 'commander';
import type { ExitCode } from '../../errors.ts';
import type { Host } from '../host/host.ts';

/** Where a verb leaves its exit code. */
export interface VerbContext {
  readonly host: Host;
  exit(code: ExitCode): void;
}

export interface VerbHelp {
  readonly summary: string;
  /** A few sentences. */
  readonly description: string;
  /** Command lines with what they do. */
  readonly examples: readonly (readonly [command: string, does: string])[];
  /** More paragraphs after the options. */
  readonly notes?: readonly string[];
}

export function verb(name: string, help: VerbHelp): Command {
  const examples = help.examples.map(([command, does]) => `  ${command}\n      ${does}`).join('\n');
  const notes = (help.notes ?? []).map((note) => `\n\n${note}`).join('');
  return new Command(name)
    .summary(help.summary)
    .description(help.description)
    .addHelpText('after', `\nExamples:\n${examples}${notes}`);
}
