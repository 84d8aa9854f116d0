/**
 * The tables of `docs/costs.md`, made from the cost model. `test/hypervisor/costs-doc.test.ts` compares them with the document, and
 * writes them into it when it is run with `UPDATE_DOCS=1`.
 */
import {
  COST_PRIMITIVE_NAMES,
  COST_PRIMITIVES,
  COST_PROFILE_NAMES,
  costProfile,
  countBySource,
  DEFAULT_COST_PROFILE,
  PRIMITIVE_GROUPS,
  type PrimitiveRow,
  PUBLISHED_PROFILES,
  sourceOf,
  statusOf,
  totalCycles,
} from '../src/hypervisor/costs.ts';
import { type Cell, fillTables, table } from './doc-tables.ts';

/** Profiles whose totals stand side by side: one of each way to virtualize that was measured. */
const COMPARED = [
  'rocket-kvm-2023',
  'kvm-ept-ivb-2019',
  'kvm-spt-ivb-2019',
  'hw-vmm-2006',
  'sw-vmm-2006',
  'vmware-ws-2003',
  'xen-pv-2003',
];

/** All tables, by the name that stands in the document in `<!-- table: NAME -->`. */
export function costTables(): ReadonlyMap<string, string> {
  return new Map([
    ['primitives', primitiveTables()],
    ['profiles', profileTable()],
    ['default-prices', defaultPrices()],
    ['totals', totalsTable()],
    ['facts', factTable()],
  ]);
}

/** The document with all tables as they are now. */
export function withCostTables(document: string): string {
  return fillTables('docs/costs.md', document, costTables());
}

function primitiveTables(): string {
  return Object.entries(PRIMITIVE_GROUPS)
    .map(([group, title]) => {
      const names = COST_PRIMITIVE_NAMES.filter((name) => COST_PRIMITIVES[name].group === group);
      const rows = names.map((name): Cell[] => {
        const { per = 'exit', about }: PrimitiveRow = COST_PRIMITIVES[name];
        return [`\`${name}\``, per, cell(about)];
      });
      return `### ${title}\n\n${table(['primitive', 'one charge per', 'what it prices'], rows)}`;
    })
    .join('\n\n');
}

function profileTable(): string {
  const rows = COST_PROFILE_NAMES.map((name): Cell[] => {
    const { isa, clockMhz, paging, technique, baseline } = PUBLISHED_PROFILES[name] ?? { isa: '', technique: '' };
    const { published, derived, rule } = countBySource(costProfile(name));
    const machine = [`\`${name}\``, isa, clockMhz ?? '-', paging ?? '-', technique, baseline ? `\`${baseline}\`` : '-'];
    return [...machine, published, derived, rule];
  });
  const head = ['profile', 'isa', 'MHz', 'paging', 'guest kernel', 'native', 'published', 'derived', 'rule'];
  return table(head, rows);
}

function defaultPrices(): string {
  const { primitives } = costProfile(DEFAULT_COST_PROFILE);
  const rows = COST_PRIMITIVE_NAMES.map((name): Cell[] => {
    const cost = primitives[name];
    const { entry, handling, return: back } = cost;
    const parts = [entry.cycles, handling.cycles, back.cycles, totalCycles(cost)];
    return [`\`${name}\``, ...parts, statusOf(cost), cell(sourceOf(cost))];
  });
  return table(['primitive', 'entry', 'handling', 'return', 'total', 'status', 'source'], rows);
}

function totalsTable(): string {
  const profiles = COMPARED.map((name) => costProfile(name));
  const rows = COST_PRIMITIVE_NAMES.map((name): Cell[] => [
    `\`${name}\``,
    ...profiles.map(({ primitives }) => `${totalCycles(primitives[name])} ${statusOf(primitives[name])}`),
  ]);
  return table(['primitive', ...COMPARED.map((name) => `\`${name}\``)], rows);
}

function factTable(): string {
  const rows = COST_PROFILE_NAMES.flatMap((name) =>
    Object.entries(PUBLISHED_PROFILES[name]?.facts ?? {}).map(([key, fact]): Cell[] =>
      fact === null
        ? [`\`${name}\``, `\`${key}\``, 'none found', '', '']
        : [`\`${name}\``, `\`${key}\``, fact.cycles, fact.status, cell(fact.source)],
    ),
  );
  return table(['profile', 'fact', 'cycles', 'status', 'source'], rows);
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
