/** Runs programs from start to end, with their wall time, output and peak memory. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const TIMEOUT_MS = 180_000;
const POLL_MS = 1;
/**
 * What programs are told of the environment, QEMU and Paratrace alike. The rest is the machine's affair, and some of it takes time:
 * Node reads all certificates of NODE_EXTRA_CA_CERTS before anything else, 30 ms for those of a common system.
 */
const ENVIRONMENT = ['PATH', 'HOME', 'TMPDIR'];

/** Ends the benchmark: what it measures went wrong. */
export class BenchError extends Error {}

/**
 * Runs a program to its end, or until its output holds `until` and then ends it. Its output goes to a file: with a socket, which is what Node makes of a pipe, QEMU's recording needs up to a
 * minute for a page of text. `answers` are typed one for each `prompt` that the output shows, through a named pipe.
 */
export async function run(program, args, { folder, answers = [], until, memory = false } = {}) {
  const [outputPath, errorPath] = [join(folder, 'stdout.txt'), join(folder, 'stderr.txt')];
  const [output, errors] = [openSync(outputPath, 'w'), openSync(errorPath, 'w')];
  const keyboard = answers.length > 0 ? openPipe(join(folder, 'keyboard')) : undefined;
  const started = process.hrtime.bigint();
  const child = spawn(program, args, {
    stdio: [keyboard ?? 'ignore', output, errors],
    env: Object.fromEntries(ENVIRONMENT.flatMap((name) => (name in process.env ? [[name, process.env[name]]] : []))),
    timeout: TIMEOUT_MS,
  });
  closeSync(output);
  closeSync(errors);
  const watch = memory ? watchMemory(child.pid) : undefined;
  const typing = keyboard !== undefined ? type(keyboard, outputPath, answers) : undefined;
  let seen;
  const watching =
    until === undefined
      ? undefined
      : setInterval(() => {
          if (!readFileSync(outputPath, 'latin1').includes(until)) return;
          seen ??= process.hrtime.bigint();
          child.kill('SIGKILL');
        }, POLL_MS);
  const { status, ended } = await new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new BenchError(`${program}: ${error.message}`)));
    child.on('exit', (status) => resolve({ status, ended: seen ?? process.hrtime.bigint() }));
  });
  for (const timer of [watch?.timer, typing, watching]) clearInterval(timer);
  if (keyboard !== undefined) closeSync(keyboard);
  const [stdout, stderr] = [readFileSync(outputPath, 'latin1'), readFileSync(errorPath, 'latin1')];
  if (seen === undefined && (status !== 0 || until !== undefined)) {
    throw new BenchError(`${program} ${args.join(' ')} ended with ${status}:\n${stdout.slice(-500)}\n${stderr}`);
  }
  return { stdout, stderr, seconds: Number(ended - started) / 1e9, peakMiB: watch?.peakMiB() };
}

/** A real pipe, open at both ends so that it has no end. */
function openPipe(path) {
  rmSync(path, { force: true });
  const { status, stderr } = spawnSync('mkfifo', [path], { encoding: 'utf8' });
  if (status !== 0) throw new BenchError(`mkfifo: ${stderr}`);
  return openSync(path, 'r+');
}

function type(keyboard, outputPath, answers) {
  let next = 0;
  let seen = 0;
  const timer = setInterval(() => {
    const { prompt, text } = answers[next];
    const at = readFileSync(outputPath, 'latin1').indexOf(prompt, seen);
    if (at < 0) return;
    seen = at + prompt.length;
    writeSync(keyboard, text);
    next++;
    if (next === answers.length) clearInterval(timer);
  }, POLL_MS);
  return timer;
}

/** The kernel's high-water mark of resident memory, looked at until the process has gone. */
function watchMemory(pid) {
  let peakKiB = 0;
  const timer = setInterval(() => {
    try {
      const text = readFileSync(`/proc/${pid}/status`, 'latin1');
      peakKiB = Math.max(peakKiB, Number(/^VmHWM:\s+(\d+) kB/m.exec(text)?.[1] ?? 0));
    } catch {
      // The process has ended.
    }
  }, 10);
  return { timer, peakMiB: () => peakKiB / 1024 };
}
