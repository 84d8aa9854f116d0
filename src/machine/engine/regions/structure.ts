/**
 * Structured control flow for a region: WebAssembly has blocks and loops, not jumps. The method is that of N. Ramsey, "Beyond
 * Relooper" (ICFP 2022): the dominator tree gives the nesting, nodes with several forward predecessors become the ends of
 * blocks, targets of backward edges become loops. An irreducible backward edge becomes an exit of the region.
 */
import { must } from '../../../assert.ts';
import type { Block, Edge, Terminator } from './control-flow.ts';

/** Blocks in reverse postorder (the entry is 0), with what emission needs to know of each. */
export interface StructuredRegion {
  readonly blocks: readonly StructuredBlock[];
}

export interface StructuredBlock extends Block {
  /** Some later block jumps back here. */
  readonly isLoopHeader: boolean;
  /** More than one forward edge leads here. */
  readonly isMerge: boolean;
  /** Blocks that this one immediately dominates, in reverse postorder. */
  readonly dominated: readonly number[];
}

/** Edges of a terminator that stay in the region. */
function successors({ end }: Block): number[] {
  const blocks: number[] = [];
  for (const edge of edgesOf(end)) if ('block' in edge) blocks.push(edge.block);
  return blocks;
}

/** Where a block can go. */
export function edgesOf(end: Terminator): Edge[] {
  switch (end.kind) {
    case 'goto':
      return [end.to];
    case 'branch':
      return [end.taken, end.next];
    case 'indirect':
      return end.expected ? [end.expected.to] : [];
  }
}

/** A block that is longer is worth its branch. */
const SKIPPED_INSNS_MAX = 3;

const isSameEdge = (a: Edge, b: Edge) =>
  'block' in a ? 'block' in b && a.block === b.block : 'exit' in b && a.exit === b.exit;

/** The block that a branch at the end of `from` skips, if it is short, only computes, and goes where the branch goes; undefined otherwise. */
export function skippedBy({ end }: Block, blocks: readonly StructuredBlock[]): StructuredBlock | undefined {
  if (end.kind !== 'branch' || !('block' in end.next)) return undefined;
  const block = must(blocks[end.next.block], 'block');
  if (block.isMerge || block.isLoopHeader || block.insns.length > SKIPPED_INSNS_MAX) return undefined;
  if (block.end.kind !== 'goto' || !isSameEdge(block.end.to, end.taken)) return undefined;
  return block.insns.every(({ insn }) => insn.cycles === 'alu') ? block : undefined;
}

function mapEdges(end: Terminator, map: (edge: Edge) => Edge): Terminator {
  switch (end.kind) {
    case 'goto':
      return { kind: 'goto', to: map(end.to) };
    case 'branch':
      return { kind: 'branch', taken: map(end.taken), next: map(end.next) };
    case 'indirect':
      return { kind: 'indirect', expected: end.expected && { ...end.expected, to: map(end.expected.to) } };
  }
}

export function structure(found: readonly Block[]): StructuredRegion {
  for (let blocks = found; ; ) {
    const ordered = inReversePostorder(blocks);
    const dominators = immediateDominators(ordered);
    const reducible = withoutIrreducibleEdges(ordered, dominators);
    if (reducible === ordered) return { blocks: annotate(ordered, dominators) };
    blocks = reducible;
  }
}

function inReversePostorder(blocks: readonly Block[]): readonly Block[] {
  const postorder: number[] = [];
  const seen = new Set<number>([0]);
  const stack: { block: number; rest: number[] }[] = [{ block: 0, rest: successors(must(blocks[0], 'entry')) }];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const next = top.rest.shift();
    if (next === undefined) {
      postorder.push(top.block);
      stack.pop();
    } else if (!seen.has(next)) {
      seen.add(next);
      stack.push({ block: next, rest: successors(must(blocks[next], 'successor')) });
    }
  }
  const order = postorder.reverse();
  const numbers = new Map(order.map((block, index) => [block, index]));
  return order.map((index) => {
    const block = must(blocks[index], 'block');
    const renumber = (edge: Edge): Edge =>
      'block' in edge ? { block: must(numbers.get(edge.block), 'reachable block') } : edge;
    return { start: block.start, insns: block.insns, end: mapEdges(block.end, renumber) };
  });
}

/** Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm": each block's immediate dominator; the entry's is itself. */
function immediateDominators(blocks: readonly Block[]): readonly number[] {
  const predecessors = blocks.map((): number[] => []);
  for (const [from, block] of blocks.entries()) for (const to of successors(block)) predecessors[to]?.push(from);
  const dominators: (number | undefined)[] = blocks.map((_, index) => (index === 0 ? 0 : undefined));
  const intersect = (left: number, right: number): number => {
    let [a, b] = [left, right];
    while (a !== b) {
      while (a > b) a = must(dominators[a], 'dominator');
      while (b > a) b = must(dominators[b], 'dominator');
    }
    return a;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (let block = 1; block < blocks.length; block++) {
      const known = (predecessors[block] ?? []).filter((each) => dominators[each] !== undefined);
      const next = known.reduce((a, b) => intersect(a, b));
      if (dominators[block] !== next) {
        dominators[block] = next;
        changed = true;
      }
    }
  }
  return dominators.map((each) => must(each, 'dominator'));
}

function dominates(dominators: readonly number[], above: number, below: number): boolean {
  let at = below;
  while (at > above) at = must(dominators[at], 'dominator');
  return at === above;
}

function withoutIrreducibleEdges(blocks: readonly Block[], dominators: readonly number[]): readonly Block[] {
  let changed = false;
  const result = blocks.map((block, from) => {
    const end = mapEdges(block.end, (edge) => {
      if (!('block' in edge) || edge.block > from || dominates(dominators, edge.block, from)) return edge;
      changed = true;
      return { exit: must(blocks[edge.block], 'block').start };
    });
    return { start: block.start, insns: block.insns, end };
  });
  return changed ? result : blocks;
}

function annotate(blocks: readonly Block[], dominators: readonly number[]): readonly StructuredBlock[] {
  const forward = blocks.map(() => 0);
  const headers = new Set<number>();
  for (const [from, block] of blocks.entries()) {
    for (const to of successors(block)) {
      if (to > from) forward[to] = (forward[to] ?? 0) + 1;
      else headers.add(to);
    }
  }
  const dominated = blocks.map((): number[] => []);
  for (let block = 1; block < blocks.length; block++) dominated[must(dominators[block], 'dominator')]?.push(block);
  return blocks.map(({ start, insns, end }, index) => ({
    start,
    insns,
    end,
    isLoopHeader: headers.has(index),
    isMerge: (forward[index] ?? 0) > 1,
    dominated: must(dominated[index], 'dominated'),
  }));
}
