/** `paratrace guests`: the guests that come with the package. */
import type { Command } from 'commander';
import { EXIT_CODE } from '../../errors.ts';
import { bundledGuests } from '../guests.ts';
import { formatTable } from '../table.ts';
import { type VerbContext, verb } from './verb.ts';

export function guestsVerb({ host, exit }: VerbContext): Command {
  return verb('guests', {
    summary: 'list the bundled guests',
    description:
      'Lists the guests that come with the package. Their names stand for their images in `run` and `record`, and bring the mode and entry that they are for.',
    examples: [
      ['paratrace guests', 'a table'],
      ['paratrace guests --json', 'a JSON array for programs'],
    ],
  })
    .option('--json', 'as JSON')
    .action(({ json }: { json?: boolean }) => {
      const guests = bundledGuests();
      if (json) host.stdout.write(`${JSON.stringify(guests, undefined, 2)}\n`);
      else {
        const rows = guests.map(({ name, mode, entry, about }) => [name, mode, entry, about]);
        host.stdout.write(`${formatTable(['name', 'mode', 'entry', 'what it is'], rows, 4)}\n`);
      }
      exit(EXIT_CODE.ok);
    });
}
