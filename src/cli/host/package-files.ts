/** Files that come with the package: found from this module, in the sources as in `dist/`. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert } from '../../assert.ts';
import { ParatraceError } from '../../errors.ts';
import { readFile } from './files.ts';

/** What only the package has. */
const MARK = join('guests', 'guests.json');

/** The page's program, as `npm run build` bundles it. */
const REPORT_PROGRAM = join('dist', 'viz', 'report-page.js');

let root: string | undefined;

/** Folder of the package. */
export function packageRoot(): string {
  root ??= findRoot(dirname(fileURLToPath(import.meta.url)));
  return root;
}

/** Bytes of a file of the package. */
export function readPackageFile(...path: readonly string[]): Uint8Array {
  return readFile(join(packageRoot(), ...path));
}

/** The version of the package. */
export function packageVersion(): string {
  const { version } = JSON.parse(new TextDecoder().decode(readPackageFile('package.json'))) as { version: string };
  return version;
}

/** The program of the report's page, as text. */
export function reportProgram(): string {
  const path = join(packageRoot(), REPORT_PROGRAM);
  if (!existsSync(path)) {
    const message = 'the program of the report is not built; `npm run build` builds it';
    throw new ParatraceError('file.unreadable', message, { file: path });
  }
  return new TextDecoder().decode(readFile(path));
}

function findRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, MARK))) return folder;
    assert(dirname(folder) !== folder, `the package of ${from} has no ${MARK}`);
  }
}
