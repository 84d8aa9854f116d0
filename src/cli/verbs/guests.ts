/** `paratrace guests`: the guests that come with the package. */
import type { Command } from 'commander';
import { EXIT_CODE } from '../../errors.ts';
import { groupDigits } from '../../viz/format.ts';
import { bundledGuests, type GuestChanges, guestChanges, type SourceCount } from '../guests.ts';
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
      ['paratrace guests --diff mini-os', 'how much of its sources paravirtualization changed'],
    ],
  })
    .option('--json', 'as JSON')
    .option(
      '--diff <guest>',
      'count what the sources of its unmodified and its paravirtual build share, and what each has alone',
    )
    .action(({ json, diff }: { json?: boolean; diff?: string }) => {
      const guests = bundledGuests();
      if (diff !== undefined) {
        const changes = guestChanges(diff);
        host.stdout.write(json ? `${JSON.stringify(changes, undefined, 2)}\n` : changesText(diff, changes));
      } else if (json) host.stdout.write(`${JSON.stringify(guests, undefined, 2)}\n`);
      else {
        const rows = guests.map(({ name, mode, entry, about }) => [name, mode, entry, about]);
        host.stdout.write(`${formatTable(['name', 'mode', 'entry', 'what it is'], rows, 4)}\n`);
      }
      exit(EXIT_CODE.ok);
    });
}

function changesText(guest: string, { shared, unmodified, events, paravirtual }: GuestChanges): string {
  const row = (what: string, { files, lines, functions }: SourceCount) => [
    what,
    ...[files, lines, functions].map((count) => groupDigits(count)),
  ];
  const table = formatTable(
    [guest, 'files', 'lines', 'functions'],
    [
      row('the same in both builds', shared),
      row('only in the unmodified build', unmodified),
      row('and there for event channels (pvh)', events),
      row('only in the paravirtual build', paravirtual),
    ],
    1,
  );
  const part = (own: number, same: number) => `${groupDigits(own)} of ${groupDigits(own + same)}`;
  const percent = ((100 * paravirtual.lines) / (paravirtual.lines + shared.lines)).toFixed(1);
  return (
    `${table}\n\nThe paravirtual build has ${part(paravirtual.lines, shared.lines)} lines of code (${percent} %) ` +
    `and ${part(paravirtual.functions, shared.functions)} functions of its own.\n`
  );
}
