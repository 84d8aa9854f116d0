/**
 * The lanes of the report: which there are, in which order, in which groups. Derived from the model when the report is opened.
 */
import { EVENT_KINDS, type EventKind } from '../hypervisor/events.ts';
import type { EventTable } from './event-table.ts';
import { buildHartLanes } from './hart-lanes.ts';
import { buildRingLanes, FlowFinder, type RingLanes } from './ring-lanes.ts';
import type { StateLane } from './state-lane.ts';
import type { Category } from './timeline-model.ts';

/** Sub-lanes of a group; what does not fit stays visible in the lane of the whole group. */
const CHILDREN_MAX = 48;
/** Groups are open at first as long as no more lanes than this are visible: about a screen. */
const LANES_AT_FIRST = 16;

interface LaneBase {
  /** Unique and the same in every report of the same trace. */
  readonly id: string;
  readonly label: string;
  /** What the lane's subject is for, in a word or two; empty where the label says it. */
  readonly role?: string;
  /** Events that `next` and `previous` step through. */
  readonly events: Uint32Array;
}

/** A lane, by how it is drawn. */
export type Lane =
  | (LaneBase & { readonly type: 'state'; readonly states: StateLane })
  | (LaneBase & { readonly type: 'marks' })
  /** What events stand for under emulation. */
  | (LaneBase & { readonly type: 'ghosts' })
  | (LaneBase & { readonly type: 'occupancy'; readonly ring: RingLanes })
  | (LaneBase & { readonly type: 'chains'; readonly ring: RingLanes });

export interface LaneGroup {
  readonly id: string;
  /** Shown always. */
  readonly main: Lane;
  /** Shown when the group is open. */
  readonly children: readonly Lane[];
}

export interface Timeline {
  readonly table: EventTable;
  readonly groups: readonly LaneGroup[];
  /** Groups that are open when the report is opened, by id. */
  readonly openAtFirst: ReadonlySet<string>;
  /** What the shared processor did; drawn in the overview. */
  readonly processor: StateLane;
  readonly rings: readonly RingLanes[];
  /** Rings that have no lane because there are too many. */
  readonly ringsLeftOut: number;
  readonly flows: FlowFinder;
}

export function buildTimeline(table: EventTable): Timeline {
  const { harts, processor } = buildHartLanes(table);
  const { rings, leftOut } = buildRingLanes(table);
  const groups = [
    hartGroup(table, harts, processor),
    markGroup(table, 'hypercalls', 'Hypercalls', ({ kind }) => kind === 'hypercall', byLabel),
    markGroup(table, 'devices', 'Device registers', ({ kind }) => kind === 'mmio', byGroup),
    markGroup(table, 'interrupts', 'Interrupts', isInterrupt, byLabel),
    markGroup(table, 'avoided', 'Avoided exits', ({ kind }) => kind === 'avoidedExit', byLabel),
    ghostGroup(table),
    markGroup(table, 'marks', 'Marks', ({ kind }) => kind === 'mark', undefined),
    markGroup(table, 'input', 'Console input', ({ kind }) => EVENT_KINDS[kind].lane === 'input', undefined),
    ...rings.map((ring) => ringGroup(table, ring)),
  ];
  const shown = groups.filter(({ main }) => main.type === 'state' || main.events.length > 0);
  return {
    table,
    groups: shown,
    openAtFirst: chooseOpen(shown),
    processor,
    rings,
    ringsLeftOut: leftOut,
    flows: new FlowFinder(table, rings),
  };
}

function hartGroup(table: EventTable, harts: readonly StateLane[], processor: StateLane): LaneGroup {
  const ofHarts = table.select(({ kind }) => EVENT_KINDS[kind].lane === 'hart' || kind === 'hypercall');
  const lanes = harts.map((states, hart): Lane => {
    const events = harts.length === 1 ? ofHarts : ofHarts.filter((event) => table.hart[event] === hart);
    return { type: 'state', id: `hart-${hart}`, label: `Hart ${hart}`, states, events };
  });
  const [only] = lanes;
  if (lanes.length === 1 && only !== undefined) return { id: 'harts', main: only, children: [] };
  const main: Lane = { type: 'state', id: 'processor', label: 'Processor', states: processor, events: ofHarts };
  return { id: 'harts', main, children: lanes };
}

/** Harts are always open; then rings, then the others, as long as there is room. */
function chooseOpen(groups: readonly LaneGroup[]): ReadonlySet<string> {
  const open = new Set(['harts']);
  let lanes = groups.length + (groups.find(({ id }) => id === 'harts')?.children.length ?? 0);
  const isRing = ({ main }: LaneGroup): boolean => main.type === 'occupancy';
  for (const group of [...groups.filter(isRing), ...groups.filter((other) => !isRing(other))]) {
    if (group.id === 'harts' || lanes + group.children.length > LANES_AT_FIRST) continue;
    lanes += group.children.length;
    open.add(group.id);
  }
  return open;
}

type Sorter = (category: Category) => string;
const byLabel: Sorter = ({ label }) => label;
const byGroup: Sorter = ({ group }) => group;

function isInterrupt({ kind }: Category): boolean {
  return EVENT_KINDS[kind].lane === 'interrupt';
}

/** A lane of all events that `wanted` accepts, and one for each sort of them by number of events. */
function markGroup(
  table: EventTable,
  id: string,
  label: string,
  wanted: (category: Category) => boolean,
  sorter: Sorter | undefined,
): LaneGroup {
  const main: Lane = { type: 'marks', id, label, events: table.select(wanted) };
  if (sorter === undefined) return { id, main, children: [] };
  const counts = new Map<string, number>();
  for (const category of table.model.categories) {
    if (wanted(category)) counts.set(sorter(category), (counts.get(sorter(category)) ?? 0) + category.count);
  }
  const sorts = Array.from(counts.keys());
  // Most frequent first; the sort is stable, so equals stay in order of first appearance.
  sorts.sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0));
  const children = sorts.slice(0, CHILDREN_MAX).map((sort): Lane => {
    const events = table.select((category) => wanted(category) && sorter(category) === sort);
    return { type: 'marks', id: `${id}/${sort}`, label: sort, events };
  });
  return { id, main, children };
}

/** What events stand for under emulation: all of it, and by what stands for most. */
function ghostGroup(table: EventTable): LaneGroup {
  const main: Lane = { type: 'ghosts', id: 'ghosts', label: 'Emulated instead', events: table.select(isGhost) };
  const cycles = new Map<string, number>();
  for (const category of table.model.categories) {
    if (!isGhost(category)) continue;
    const { full, hvm } = category.emulation?.byTarget ?? {};
    cycles.set(category.label, (cycles.get(category.label) ?? 0) + Math.max(full?.cycles ?? 0, hvm?.cycles ?? 0));
  }
  const labels = Array.from(cycles.keys()).sort((a, b) => (cycles.get(b) ?? 0) - (cycles.get(a) ?? 0));
  const children = labels.slice(0, CHILDREN_MAX).map((label): Lane => {
    const events = table.select((category) => isGhost(category) && category.label === label);
    return { type: 'ghosts', id: `ghosts/${label}`, label, events };
  });
  return { id: 'ghosts', main, children };
}

const isGhost = ({ emulation }: Category): boolean => emulation !== undefined && !emulation.isPartOfCall;

const SIGNALS: ReadonlySet<EventKind> = new Set(['notify', 'used', 'broken', 'drop']);

function ringGroup(table: EventTable, ring: RingLanes): LaneGroup {
  const signals = ring.events.filter((event) => SIGNALS.has(table.kindOf(event)));
  return {
    id: `ring/${ring.name}`,
    main: {
      type: 'occupancy',
      id: `ring/${ring.name}`,
      label: ring.name,
      role: table.model.facts.ringRoles[ring.name] ?? '',
      ring,
      events: ring.events,
    },
    children: [
      {
        type: 'chains',
        id: `ring/${ring.name}/chains`,
        label: 'chains in flight',
        ring,
        events: ring.chains.takes,
      },
      { type: 'marks', id: `ring/${ring.name}/signals`, label: 'doorbells, interrupts', events: signals },
    ],
  };
}
