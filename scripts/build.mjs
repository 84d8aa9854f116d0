/**
 * Builds everything into dist/: the command line as one file (so that it starts fast), the library and its matchers for vitest with their packages outside,
 * the page of the report, and the library's types. Everything is built every time: it takes a second.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildCommand } from './build-command.mjs';
import { buildReportBundle } from './build-report.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

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
await Promise.all([
  buildCommand(join(root, 'dist/cli')),
  buildLibrary(),
  buildReportBundle(join(root, 'dist/viz/report-page.js')),
]);
buildTypes();
process.stderr.write(`built dist/ in ${Date.now() - started} ms\n`);

async function buildLibrary() {
  // Names of its parts follow from what is in them: those of an earlier build would stay.
  rmSync(join(root, 'dist/library'), { recursive: true, force: true });
  await build({
    ...common,
    // What both have is in files of its own, so that an error of one is an instance of what the other exports.
    entryPoints: { index: 'src/index.ts', vitest: 'src/cli/vitest/index.ts' },
    outdir: 'dist',
    splitting: true,
    chunkNames: 'library/[name]-[hash]',
    platform: 'neutral',
    packages: 'external',
    external: ['node:*'],
  });
}

function buildTypes() {
  const compiler = join(root, 'node_modules/.bin', process.platform === 'win32' ? 'tsc.cmd' : 'tsc');
  if (!existsSync(compiler)) throw new Error('the TypeScript compiler is not installed: run npm ci');
  const { status } = spawnSync(compiler, ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}
