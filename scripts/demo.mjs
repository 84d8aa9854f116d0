/**
 * The demo: records the bundled guest, replays the recording bit for bit, and writes its timeline. `npm run demo` has built dist/.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const command = join(root, 'dist/cli/paratrace.js');
/** Everything runs in the root of the package, so that paths are short. */
const folder = join('build', 'demo');
const trace = join(folder, 'ring-tour.pvt');
const again = join(folder, 'ring-tour-again.pvt');
const report = join(folder, 'ring-tour.html');
const STAT_LINES = 20;

process.chdir(root);
mkdirSync(folder, { recursive: true });
step('1. Record: the guest runs under the hypervisor, every exit and ring step goes into the trace');
paratrace(['record', 'ring-tour', '--mode', 'pvh', '-o', trace]);
step('2. Replay: the same run again from the trace, each event and digest checked');
paratrace(['replay', trace, '-o', again]);
if (!readFileSync(trace).equals(readFileSync(again)))
  stop('the recording of the replay has other bytes than the trace');
console.log('recording during the replay wrote the same bytes again');
step(`3. What its exits cost (the first ${STAT_LINES} lines)`);
console.log(paratrace(['stat', trace], 'pipe').split('\n').slice(0, STAT_LINES).join('\n'));
step('4. Report: the run on a timeline');
paratrace(['report', trace, '-o', report]);

console.log(`
The report is one file that needs no network: ${report} (${Math.round(statSync(report).size / 1024)} KiB)
Open it in a browser: ${pathToFileURL(resolve(report)).href}
It shows, over cycles of the guest's clock: when each hart ran guest code, the hypervisor or nothing; every hypercall and
interrupt; and the console, entropy and block rings with how many requests were in flight. Wheel or +/- to zoom, drag or arrow
keys to move, hover for details, click to keep them.`);

function step(text) {
  console.log(`\n== ${text}`);
}

/** Runs the command line; answers what it printed if `stdout` is `pipe`. */
function paratrace(args, stdout = 'inherit') {
  console.log(`$ paratrace ${args.join(' ')}`);
  const result = spawnSync(process.execPath, [command, ...args], {
    stdio: ['ignore', stdout, 'inherit'],
    encoding: 'utf8',
  });
  if (result.error !== undefined) stop(result.error.message);
  if (result.status !== 0) stop(`paratrace ${args[0]} ended with exit code ${result.status}`);
  return result.stdout;
}

function stop(text) {
  console.error(`demo failed: ${text}`);
  process.exit(1);
}
