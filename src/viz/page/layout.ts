/** Which lanes are visible and where: from the groups that are open. */
import type { Lane, LaneGroup, Timeline } from '../timeline.ts';

/** A lane at its place, in CSS pixels from the top of all lanes. */
export interface LaneRow {
  readonly lane: Lane;
  readonly group: LaneGroup;
  readonly isChild: boolean;
  readonly top: number;
  readonly height: number;
}

const HEIGHT = { state: 34, marks: 24, ghosts: 30, child: 20, occupancy: 38 } as const;
/** Few chains are drawn large enough for their names, many as thin bars. */
const SLOT_HEIGHT = { few: 13, many: 6 } as const;
const FEW_SLOTS = 6;
const CHAINS_HEIGHT_MIN = 20;
const CHAINS_HEIGHT_MAX = 120;

export function layOut(timeline: Timeline, open: ReadonlySet<string>): readonly LaneRow[] {
  const rows: LaneRow[] = [];
  let top = 0;
  const add = (lane: Lane, group: LaneGroup, isChild: boolean): void => {
    const height = heightOf(lane, isChild);
    rows.push({ lane, group, isChild, top, height });
    top += height;
  };
  for (const group of timeline.groups) {
    add(group.main, group, false);
    if (open.has(group.id)) for (const lane of group.children) add(lane, group, true);
  }
  return rows;
}

/** Height of all rows. */
export function heightOfAll(rows: readonly LaneRow[]): number {
  const last = rows[rows.length - 1];
  return last === undefined ? 0 : last.top + last.height;
}

/** The row at `y` pixels from the top of all lanes. */
export function rowAt(rows: readonly LaneRow[], y: number): LaneRow | undefined {
  return rows.find(({ top, height }) => y >= top && y < top + height);
}

function heightOf(lane: Lane, isChild: boolean): number {
  if (lane.type === 'chains') {
    const slots = lane.ring.slots.length;
    const wanted = slots * (slots <= FEW_SLOTS ? SLOT_HEIGHT.few : SLOT_HEIGHT.many) + 6;
    return Math.min(CHAINS_HEIGHT_MAX, Math.max(CHAINS_HEIGHT_MIN, wanted));
  }
  if ((lane.type === 'marks' || lane.type === 'ghosts') && isChild) return HEIGHT.child;
  return HEIGHT[lane.type];
}
