/**
 * WebAssembly text for people to read: what wabt makes of a binary, as a tree whose names can be changed, printed with short
 * expressions on one line.
 */
import wabtModule from 'wabt';
import { assert, must } from '../../src/assert.ts';

/** An atom (a word, or a string with its quotes), or a list. A comment is an atom that begins with `;;`. */
export type Wat = string | readonly Wat[];

const WIDTH = 116;
/** Lists that are never put on one line, and end on a line of their own. */
const OPEN = new Set(['module', 'func', 'block', 'loop']);
const DECLARATIONS = new Set(['param', 'result', 'local']);

const wabt = await wabtModule();

/** The module as a tree; labels and locals that have no name are called `$B0`, `$L1`, `$p0`, `$l1`. */
export function watOf(binary: Uint8Array): Wat {
  const module = wabt.readWasm(binary, { readDebugNames: true, bulk_memory: true });
  try {
    module.validate();
    module.generateNames();
    module.applyNames();
    return parseWat(module.toText({ foldExprs: true }));
  } finally {
    module.destroy();
  }
}

/** @throws Error if this is not the text of a valid module */
export function validateWat(text: string): void {
  const module = wabt.parseWat('golden', text, { bulk_memory: true });
  try {
    module.resolveNames();
    module.validate();
  } finally {
    module.destroy();
  }
}

export function parseWat(text: string): Wat {
  const root: Wat[] = [];
  const open: Wat[][] = [root];
  for (const [token] of text.matchAll(/\(;.*?;\)|;;[^\n]*|"(?:\\.|[^"\\])*"|[()]|[^\s()";]+/gs)) {
    const top = must(open.at(-1), 'list');
    if (token.startsWith(';;') || token.startsWith('(;')) continue;
    if (token === '(') {
      const list: Wat[] = [];
      top.push(list);
      open.push(list);
    } else if (token === ')') {
      open.pop();
    } else {
      top.push(token);
    }
  }
  assert(open.length === 1, 'parentheses match');
  return must(root[0], 'module');
}

/** Its children, for a list that begins with `head`; else undefined. */
export function childrenOf(node: Wat | undefined, head: string): readonly Wat[] | undefined {
  return node !== undefined && typeof node !== 'string' && node[0] === head ? node.slice(1) : undefined;
}

/** All lists in the tree that begin with `head`, outer before inner. */
export function findAll(node: Wat, head: string): readonly (readonly Wat[])[] {
  if (typeof node === 'string') return [];
  const inner = node.flatMap((child) => findAll(child, head));
  return node[0] === head ? [node, ...inner] : inner;
}

/** The lists around the first list that begins with `head`, from the outermost to that list itself; none if there is none. */
export function pathTo(node: Wat, head: string): (readonly Wat[])[] {
  if (typeof node === 'string') return [];
  if (node[0] === head) return [node];
  for (const child of node) {
    const inner = pathTo(child, head);
    if (inner.length > 0) return [node, ...inner];
  }
  return [];
}

/** The tree with every list and atom replaced by what `map` gives, inner before outer; `undefined` leaves it out. */
export function mapWat(node: Wat, map: (node: Wat) => Wat | undefined): Wat | undefined {
  if (typeof node === 'string') return map(node);
  return map(
    node.flatMap((child) => {
      const mapped = mapWat(child, map);
      return mapped === undefined ? [] : [mapped];
    }),
  );
}

export function printWat(node: Wat, indent = ''): string {
  const flat = printFlat(node);
  if (flat !== undefined && indent.length + flat.length <= WIDTH) return `${indent}${flat}\n`;
  if (typeof node === 'string') return `${indent}${node}\n`;
  const firstList = node.findIndex((child) => typeof child !== 'string' || child.startsWith(';;'));
  const words = firstList < 0 ? node : node.slice(0, firstList);
  const lists = firstList < 0 ? [] : node.slice(firstList);
  const body = joined(lists, `${indent}  `);
  const head = `${indent}(${words.join(' ')}\n${body}`;
  const endsOpen = OPEN.has(String(node[0])) || head.trimEnd().split('\n').at(-1)?.trim().startsWith(';;');
  return endsOpen ? `${head}${indent})\n` : `${head.trimEnd()})\n`;
}

/** What is in a list, a line each at least; declarations share lines. */
function joined(nodes: readonly Wat[], indent: string): string {
  let text = '';
  let line = '';
  const endLine = () => {
    if (line !== '') text += `${indent}${line.trimStart()}\n`;
    line = '';
  };
  for (const node of nodes) {
    if (typeof node === 'string' || !DECLARATIONS.has(String(node[0]))) {
      endLine();
      text += printWat(node, indent);
      continue;
    }
    const declaration = ` (${node.join(' ')})`;
    if (indent.length + line.length + declaration.length > WIDTH) endLine();
    line += declaration;
  }
  endLine();
  return text;
}

/** On one line, if that can be: there is no comment and nothing that wants lines of its own. */
function printFlat(node: Wat): string | undefined {
  if (typeof node === 'string') return node.startsWith(';;') ? undefined : node;
  if (OPEN.has(String(node[0]))) return undefined;
  const parts = node.map(printFlat);
  return parts.includes(undefined) ? undefined : `(${parts.join(' ')})`;
}
