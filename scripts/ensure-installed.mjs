/**
 * Makes `npm test` and `npm run demo` work on a fresh checkout: installs the packages of the lock file if they are missing or
 * older than it, and does nothing, quickly, if they are there. Needs only Node and npm.
 *
 * A link to the packages of another checkout is left alone: npm would empty what it points to.
 */
import { spawnSync } from 'node:child_process';
import { lstatSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** npm writes this file last, so it is newer than the lock file if and only if an install of that lock file was finished. */
const installed = modifiedMs(join(root, 'node_modules/.package-lock.json'));
const locked = modifiedMs(join(root, 'package-lock.json'));

const isLink = lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink() === true;

if (isLink) {
  if (installed === undefined) {
    process.stderr.write('node_modules is a link to where no packages are installed: run npm ci there\n');
    process.exit(1);
  }
} else if (installed === undefined || (locked !== undefined && installed < locked)) {
  process.stderr.write('installing packages (npm ci) ...\n');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    process.stderr.write('npm ci failed: see above\n');
    process.exit(1);
  }
}

function modifiedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
