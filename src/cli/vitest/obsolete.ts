/**
 * Goldens of a test file that none of its tests asks for. Vitest judges its own snapshots in the same way: in continuous integration
 * they fail the file, `-u` removes them, else they are reported.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ExpectStatic } from 'vitest';
import { GoldenFolders } from './golden-matcher.ts';

type SnapshotState = ReturnType<ExpectStatic['getState']>['snapshotState'];

/** What is needed of a task of vitest. */
interface Task {
  readonly type: string;
  readonly mode: string;
  readonly result?: { readonly state: string } | undefined;
  readonly tasks?: readonly Task[];
  readonly filepath?: string;
}

/** @param file the test file, when all its tests have run */
export function reportObsolete(folders: GoldenFolders, file: Task, snapshotState: SnapshotState | undefined): void {
  const { filepath } = file;
  // A test that did not run, or not to its end, may still want what it did not ask for.
  if (filepath === undefined || snapshotState === undefined) return;
  if (!testsOf(file).every(({ mode, result }) => mode === 'run' && result?.state === 'pass')) return;
  const folder = GoldenFolders.of(filepath);
  const asked = folders.names(filepath);
  const obsolete = existsSync(folder)
    ? readdirSync(folder).filter((name) => /\.(pvt|txt)$/.test(name) && !asked.has(name.replace(/\.(pvt|txt)$/, '')))
    : [];
  if (obsolete.length === 0) return;
  const paths = obsolete.sort().map((name) => join(folder, name));
  switch (snapshotState.snapshotUpdateState) {
    case 'all':
      for (const path of paths) rmSync(path);
      return;
    case 'none':
      throw new Error(`obsolete golden traces, which no test asks for:\n${paths.join('\n')}`);
    default:
      console.warn(`obsolete golden traces, which no test asks for (-u removes them):\n${paths.join('\n')}`);
  }
}

function testsOf(task: Task): readonly Task[] {
  return task.type === 'test' ? [task] : (task.tasks ?? []).flatMap(testsOf);
}
