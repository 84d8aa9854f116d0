/** Tables made from code inside documents: each stands between `<!-- table: NAME -->` and `<!-- end -->`. */

export type Cell = string | number;

/**
 * The document with all tables as they are now.
 * @param path of the document, for errors
 * @throws Error if a table has no place in it.
 */
export function fillTables(path: string, document: string, tables: ReadonlyMap<string, string>): string {
  let text = document;
  for (const [name, content] of tables) {
    const open = `<!-- table: ${name} -->`;
    const start = text.indexOf(open);
    const end = text.indexOf('<!-- end -->', start);
    if (start < 0 || end < 0) throw new Error(`${path} has no place for the table \`${name}\``);
    text = `${text.slice(0, start + open.length)}\n\n${content}\n\n${text.slice(end)}`;
  }
  return text;
}

export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
