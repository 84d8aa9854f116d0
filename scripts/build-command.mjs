/**
 * Builds the command line: one CommonJS file that holds everything, a small file that starts it, the bytecode that V8 has made of it,
 * and the engine's module for common machines (docs/adr/start-up.md says why).
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { fflateTables } from './command/fflate-tables.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const KEEP_BYTECODE = join(root, 'scripts/command/keep-bytecode.cjs');

const KEEP_THREAD_BYTECODE = join(root, 'scripts/command/keep-thread-bytecode.cjs');

/** Threads of the command, each a program of its own, and a run that has work for it: much code that is hot, many events. */
const THREADS = {
  'region-worker': ['run', 'mini-os', '--workload', 'compute', '--iterations', '8000', '--engine', 'translator'],
  'trace-worker': [
    'record',
    'mini-os',
    '--workload',
    'ctxsw',
    '--mode',
    'full',
    '--iterations',
    '600',
    '-o',
    'ctxsw.pvt',
  ],
};

/** Most milliseconds that a run of the command may take here, on however busy a machine. */
const KEEP_MS_MAX = 120_000;

/**
 * What runs of the command are, to see which functions they need: a recording with devices, rings and translated code, one of a bare-metal guest with events so few that they are modelled, and
 * replays of both.
 */
const TYPICAL = ['ring-tour', 'machine-tour'];

/**
 * Builds `paratrace.js` and what it needs into a folder of its own inside the package, because the command finds its guests from
 * where it is.
 *
 * @param {string} folder emptied first
 * @returns {Promise<string>} path of the file to start
 */
export async function buildCommand(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await buildProgram('src/cli/paratrace.ts', join(folder, 'program.cjs'));
  const command = join(folder, 'paratrace.js');
  await buildStart('scripts/command/start.cjs', command);
  for (const thread of Object.keys(THREADS)) {
    const program = `${thread}-program`;
    await buildProgram(`src/cli/host/${thread}.ts`, join(folder, `${program}.cjs`));
    await buildStart('scripts/command/start-thread.cjs', join(folder, `${thread}.cjs`), program);
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n');
  chmodSync(command, 0o755);
  await writeEngineCode(folder);
  keepBytecode(folder);
  return command;
}

/** What V8 can have bytecode of: one file that is an expression, the function that a CommonJS module is. */
function buildProgram(entry, outfile) {
  return build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    // One byte for each character: read without decoding.
    charset: 'ascii',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
    alias: { 'node:child_process': join(root, 'scripts/command/no-child-process.cjs') },
    plugins: [fflateTables],
    define: { 'import.meta.url': '__moduleUrl' },
    // Here rather than added when it is read: that would copy the text once more.
    banner: {
      js: "(function (require, module, exports, __filename, __dirname) {const __moduleUrl = require('node:url').pathToFileURL(__filename).href;",
    },
    footer: { js: '})' },
  });
}

/** What starts a program: Node compiles it each time. @param threadProgram name of the program, if it is a thread's */
function buildStart(entry, outfile, threadProgram = '') {
  return build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    define: { THREAD_PROGRAM: JSON.stringify(threadProgram) },
  });
}

/** Generates the engine's module for the machines that most runs have. */
async function writeEngineCode(folder) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['src/cli/host/engine-code.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
  const [{ contents }] = outputFiles;
  const url = `data:text/javascript;base64,${Buffer.from(contents).toString('base64')}`;
  const { commonEngineCode } = await import(url);
  for (const { name, bytes } of commonEngineCode()) writeFileSync(join(folder, name), bytes);
}

/** Runs the command, for the bytecode of the functions that it needs. */
function keepBytecode(folder) {
  const scratch = mkdtempSync(join(tmpdir(), 'paratrace-build-'));
  const commandLines = TYPICAL.flatMap((guest) => {
    const trace = join(scratch, `${guest}.pvt`);
    return [
      ['record', guest, '--quiet', '--engine', 'translator', '-o', trace],
      ['replay', trace, '--quiet'],
    ];
  });
  try {
    keepWith(KEEP_BYTECODE, [folder, JSON.stringify(commandLines)], scratch);
    for (const [thread, args] of Object.entries(THREADS)) {
      keepWith(KEEP_THREAD_BYTECODE, [folder, thread, ...args, '--quiet'], scratch);
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function keepWith(program, args, cwd) {
  const { status, signal, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd,
    encoding: 'utf8',
    // Flags of V8 that tests or users set would make the bytecode useless without them.
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: KEEP_MS_MAX,
    killSignal: 'SIGKILL',
  });
  if (status !== 0) throw new Error(`the command that was built ended with ${status ?? signal}:\n${stderr}`);
}
