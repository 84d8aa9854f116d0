/**
 * The tables of `docs/modes.md`, made from what the modes say of themselves. `test/hypervisor/modes-doc.test.ts` compares them with the
 * document, and writes them into it when it is run with `UPDATE_DOCS=1`.
 */
import { handlingsOf } from '../src/analysis/causes.ts';
import { AVOIDED_OPERATIONS } from '../src/hypervisor/avoided-exits.ts';
import type { Mode } from '../src/hypervisor/modes/mode.ts';
import { MODES } from '../src/hypervisor/modes/modes.ts';
import { CAUSES, type EmittedEvent, type Handling, OPERATIONS } from '../src/hypervisor/modes/operations.ts';
import { type Cell, fillTables, table } from './doc-tables.ts';

const ALL = Object.values(MODES);
const AXES = [
  ['privileged', 'Privileged operations and page tables'],
  ['interrupts', 'Interrupts and timers'],
  ['devices', 'Devices'],
] as const;
type Axis = (typeof AXES)[number][0];

/** All tables, by the name that stands in the document in `<!-- table: NAME -->`. */
export function modeTables(): ReadonlyMap<string, string> {
  return new Map([
    ['modes', table(['mode', 'privileged operations', 'interrupts', 'devices', 'entry'], ALL.map(modeRow))],
    ['operations', operationTable()],
    ['avoided', avoidedTable()],
    ...AXES.map(([axis]) => [axis, axisTables(axis)] as const),
  ]);
}

/** The document with all tables as they are now. Throws if a table has no place in it. */
export function withModeTables(document: string): string {
  return fillTables('docs/modes.md', document, modeTables());
}

function modeRow({ name, privileged, interrupts, devices, entries }: Mode): Cell[] {
  return [`\`${name}\``, privileged.name, interrupts.name, devices.name, entries.join(', ')];
}

/** Who does each operation in each mode. */
function operationTable(): string {
  const rows = Object.entries(OPERATIONS).map(([operation, { about, cause }]) => [
    about,
    ...ALL.map((mode) => whoDoes(handlingsOf(mode).find(([name]) => name === operation)?.[1])),
    CAUSES[cause],
  ]);
  return table(['operation', ...ALL.map(({ name }) => `\`${name}\``), 'cause'], rows);
}

/** Which modes spare their guests which exits. */
function avoidedTable(): string {
  const rows = Object.entries(AVOIDED_OPERATIONS).map(([operation, { about }]) => [
    `\`${operation}\``,
    `the guest ${about}`,
    ...ALL.map(({ privileged, interrupts, devices }) => {
      const all: readonly string[] = [...privileged.avoids, ...interrupts.avoids, ...devices.avoids];
      return all.includes(operation) ? 'yes' : '-';
    }),
  ]);
  return table(['operation', 'what happened', ...ALL.map(({ name }) => `\`${name}\``)], rows);
}

function whoDoes(handling: Handling | undefined): string {
  if (handling === undefined || handling.by === 'nobody') return '-';
  return handling.by === 'hypervisor' ? '**hypervisor**' : handling.by;
}

/** A table for each choice that modes make on an axis, under its name and those of the modes. */
function axisTables(axis: Axis): string {
  const choices = [...new Set(ALL.map((mode) => mode[axis]))];
  return choices
    .map((choice) => {
      const modes = ALL.filter((mode) => mode[axis] === choice).map(({ name }) => `\`${name}\``);
      const handlings: Readonly<Record<string, Handling>> = choice.handlings;
      const rows = Object.entries(OPERATIONS)
        .filter(([, row]) => row.axis === axis)
        .map(([operation, { about }]) => handlingRow(about, handlings[operation]));
      return `### ${capitalized(choice.name)}: ${modes.join(', ')}\n\n${table(['operation', 'by', 'what is done', 'events and prices'], rows)}`;
    })
    .join('\n\n');
}

function handlingRow(about: string, handling: Handling | undefined): Cell[] {
  if (handling === undefined) throw new Error(`an axis says nothing of: ${about}`);
  const { by, does, events } = handling;
  return [about, by, does, events.map(eventText).join('; ')];
}

function eventText({ kind, reason, costs, work = [] }: EmittedEvent): string {
  const price = costs.length === 0 ? 'nothing' : costs.map((name) => `\`${name}\``).join(' or ');
  const more = work.length === 0 ? '' : `, and any number of ${work.map((name) => `\`${name}\``).join(', ')}`;
  return `${kind}${reason === '*' ? '' : ` \`${reason}\``}: ${price}${more}`;
}

function capitalized(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
