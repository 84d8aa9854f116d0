/**
 * Bundles the report's page (`src/viz/page/`, d3 and fflate included) into one script, which every report embeds.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ENTRY = fileURLToPath(new URL('../src/viz/page/main.ts', import.meta.url));

/** The page's program as text: the same for the same sources. */
export async function bundleReport() {
  const result = await build({
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    charset: 'ascii',
    legalComments: 'none',
    logLevel: 'warning',
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error('esbuild wrote no file');
  return file.text;
}

/**
 * Writes the page's program to a file, as a step of the build.
 *
 * @param {string} outFile
 */
export async function buildReportBundle(outFile) {
  await mkdir(path.dirname(outFile), { recursive: true });
  await writeFile(outFile, await bundleReport());
}
