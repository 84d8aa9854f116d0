/** `paratrace costs`: what exits cost, and where each number comes from. */
import type { Command } from 'commander';
import { EXIT_CODE } from '../../errors.ts';
import {
  COST_PRIMITIVE_NAMES,
  COST_PRIMITIVES,
  COST_PROFILE_NAMES,
  type CostProfile,
  costProfile,
  countBySource,
  DEFAULT_COST_PROFILE,
  PRIMITIVE_GROUPS,
  PUBLISHED_PROFILES,
  sourceOf,
  statusOf,
  totalCycles,
} from '../../hypervisor/costs.ts';
import { resolveCosts } from '../costs-option.ts';
import { printable } from '../printable.ts';
import { formatFacts, formatTable } from '../table.ts';
import { type VerbContext, verb } from './verb.ts';

const PRICE_HEAD = ['  primitive', '', '   entry', 'handling', '  return', '   total'];
/** Columns of all groups stand below each other. */
const NAME_WIDTH = Math.max(...COST_PRIMITIVE_NAMES.map((name) => name.length));

const LEGEND = `Status: V published, Q quoted elsewhere, D computed from published numbers, M published but from memory, unchecked;
U given by your file; R filled by the rule that stands beside it, because nothing was published.`;

export function costsVerb({ host, exit }: VerbContext): Command {
  return verb('costs', {
    summary: 'list the cost profiles, or the prices of one',
    description:
      'Without a profile lists those that come with the package: the machine that was measured, and how many prices are published, computed from published numbers, or filled by a rule. With one prints every price in cycles, and where it comes from.',
    examples: [
      ['paratrace costs', 'a table of profiles'],
      ['paratrace costs xen-pv-2003', 'every price of one'],
      ['paratrace costs ./my-board.json', 'the same for a file of your own, checked as a run checks it'],
      ['paratrace costs rocket-kvm-2023 --json', 'one JSON object for programs'],
    ],
    notes: [
      'Files:\n  A file extends a profile: {"extends": "rocket-kvm-2023", "primitives": {"mmioUser": {"handling": 5000, "source": "my board"}}}.\n  docs/costs.md has all of it, and what each primitive prices.',
    ],
  })
    .argument('[profile]', 'a name from the list, or a file (a name with `/` or ending in `.json`)')
    .option('--json', 'as JSON')
    .action((value: string | undefined, { json }: { json?: boolean }) => {
      if (value === undefined) host.stdout.write(json ? listJson() : listText());
      else {
        const profile = resolveCosts(value);
        host.stdout.write(printable(json ? profileJson(profile) : profileText(profile)));
      }
      exit(EXIT_CODE.ok);
    });
}

function listJson(): string {
  const rows = COST_PROFILE_NAMES.map((name) => {
    const { published, derived, rule } = countBySource(costProfile(name));
    return { name, ...machineOf(name), published, derived, rule };
  });
  return `${JSON.stringify(rows, undefined, 2)}\n`;
}

function listText(): string {
  const rows = COST_PROFILE_NAMES.map((name) => {
    const { isa, clockMhz, paging, technique } = machineOf(name);
    const { published, derived, rule } = countBySource(costProfile(name));
    const clock = clockMhz === null ? '-' : `${clockMhz}`;
    return [name, isa, paging ?? '-', technique, clock, `${published}`, `${derived}`, `${rule}`];
  });
  const head = ['name', 'isa', 'paging', 'guest kernel', 'MHz', 'published', 'derived', 'rule'];
  return `${formatTable(head, rows, 4)}\n\nThe default is ${DEFAULT_COST_PROFILE}.\n`;
}

/** The machine that a profile of the package was measured on. */
function machineOf(name: string) {
  const {
    isa = '',
    clockMhz = null,
    paging = null,
    technique = 'assisted',
    baseline = null,
  } = PUBLISHED_PROFILES[name] ?? {};
  return { isa, clockMhz, paging, technique, baseline };
}

function profileText(profile: CostProfile): string {
  const { published, derived, given, rule } = countBySource(profile);
  const counts = `${published} published, ${derived} derived, ${rule} by rule${given > 0 ? `, ${given} given` : ''}`;
  const { paging, technique, baseline } = machineOf(profile.extends ?? profile.name);
  const facts: [string, string][] = [
    ['profile', profile.name],
    ...optional('about', profile.about),
    ...optional('extends', profile.extends),
    ['machine', `${profile.isa}, ${profile.clockMhz === null ? 'clock not stated' : `${profile.clockMhz} MHz`}`],
    ['guest kernel', `${technique}, paging ${paging ?? 'not stated'}`],
    ...optional('native', baseline ?? undefined),
    ['prices', counts],
  ];
  const groups = Object.entries(PRIMITIVE_GROUPS).map(([group, title]) => `${title}\n${priceTable(profile, group)}`);
  return `${[formatFacts(facts), ...groups, publishedTable(profile), LEGEND].join('\n\n')}\n`;
}

function priceTable({ primitives }: CostProfile, group: string): string {
  const names = COST_PRIMITIVE_NAMES.filter((name) => COST_PRIMITIVES[name].group === group);
  const rows = names.map((name) => {
    const cost = primitives[name];
    const parts = [cost.entry, cost.handling, cost.return].map(({ cycles }) => `${cycles}`);
    return [`  ${name.padEnd(NAME_WIDTH)}`, statusOf(cost), ...parts, `${totalCycles(cost)}`];
  });
  const sources = ['source', ...names.map((name) => sourceOf(primitives[name]))];
  return withLastColumn(formatTable(PRICE_HEAD, rows, 2), sources);
}

function publishedTable({ published }: CostProfile): string {
  const facts = Object.entries(published);
  const rows = facts.map(([key, fact]) => [`  ${key}`, fact?.status ?? '', fact ? `${fact.cycles}` : 'none found']);
  const sources = ['source', ...facts.map(([, fact]) => fact?.source ?? '')];
  return `Published\n${withLastColumn(formatTable(['  fact', '', 'cycles'], rows, 2), sources)}`;
}

function withLastColumn(table: string, cells: readonly string[]): string {
  const lines = table.split('\n');
  const width = Math.max(...lines.map((line) => line.length));
  return lines.map((line, row) => `${line.padEnd(width)}  ${cells[row] ?? ''}`.trimEnd()).join('\n');
}

function profileJson(profile: CostProfile): string {
  const { name, about, isa, clockMhz, published } = profile;
  const { paging, technique, baseline } = machineOf(profile.extends ?? name);
  const primitives = Object.fromEntries(
    COST_PRIMITIVE_NAMES.map((primitive) => {
      const cost = profile.primitives[primitive];
      const { entry, handling, return: back } = cost;
      const sums = { total: totalCycles(cost), status: statusOf(cost), source: sourceOf(cost) };
      return [primitive, { ...COST_PRIMITIVES[primitive], entry, handling, return: back, ...sums }];
    }),
  );
  const machine = { isa, clockMhz, paging, technique, baseline };
  return `${JSON.stringify({ name, about, extends: profile.extends, ...machine, primitives, published }, undefined, 2)}\n`;
}

function optional(name: string, value: string | undefined): [string, string][] {
  return value === undefined ? [] : [[name, value]];
}
