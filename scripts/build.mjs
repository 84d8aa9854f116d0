/**
 * Builds everything into dist/: the command line as one file (so that it starts fast), the library with its packages outside,
 * the page of the report, and the library's types. Everything is built every time: it takes a second.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildReportBundle } from './build-report.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const COMMAND = 'dist/cli/paratrace.js';

const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  target: 'node20',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
};

const started = Date.now();
await Promise.all([buildCommand(), buildLibrary(), buildReportBundle(join(root, 'dist/viz/report-page.js'))]);
buildTypes();
process.stderr.write(`built dist/ in ${Date.now() - started} ms\n`);

async function buildCommand() {
  await build({
    ...common,
    entryPoints: ['src/cli/paratrace.ts'],
    outfile: COMMAND,
    platform: 'node',
    banner: {
      // CommonJS packages inside the bundle ask for Node's own modules by `require`.
      js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
    },
  });
  chmodSync(join(root, COMMAND), 0o755);
}

async function buildLibrary() {
  await build({
    ...common,
    entryPoints: ['src/index.ts'],
    outfile: 'dist/index.js',
    platform: 'neutral',
    packages: 'external',
  });
}

function buildTypes() {
  const compiler = join(root, 'node_modules/.bin', process.platform === 'win32' ? 'tsc.cmd' : 'tsc');
  if (!existsSync(compiler)) throw new Error('the TypeScript compiler is not installed: run npm ci');
  const { status } = spawnSync(compiler, ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}
