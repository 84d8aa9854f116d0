/** Runs outside programs for tests: the built command line, QEMU, and whatever makes their inputs. `npm run build` comes first. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');
export const COMMAND = join(ROOT, 'dist/cli/paratrace.js');
export const UBOOT = '/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin';

const TIMEOUT_MS = 300_000;
const OUTPUT_MAX = 64 << 20;

export interface ProgramResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, without input. */
export function runProgram(program: string, args: readonly string[], cwd = ROOT): ProgramResult {
  const result = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    input: '',
    timeout: TIMEOUT_MS,
    maxBuffer: OUTPUT_MAX,
  });
  if (result.error !== undefined) throw new Error(`${program}: ${result.error.message}\n${result.stderr}`);
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** The command line under this Node, or another. */
export function paratrace(args: readonly string[], node = process.execPath): ProgramResult {
  return runProgram(node, [COMMAND, ...args]);
}

/** As {@link paratrace}, for runs that must succeed. Answers what went to standard output. */
export function paratraceOk(args: readonly string[], node = process.execPath): string {
  const { status, stdout, stderr } = paratrace(args, node);
  if (status !== 0) throw new Error(`paratrace ${args.join(' ')} ended with ${status}:\n${stdout}\n${stderr}`);
  return stdout;
}

export interface Dialogue {
  /** What to wait for in the output that has not been answered yet. */
  readonly prompt: string;
  /** What to type, in order, one answer a prompt. */
  readonly answers: readonly string[];
}

/** Runs a program that is talked to: each time its output holds the prompt, the next answer is typed. */
export function talkTo(
  program: string,
  args: readonly string[],
  dialogues: readonly Dialogue[],
): Promise<ProgramResult> {
  const child = spawn(program, args, { cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
  const queue = dialogues.flatMap(({ prompt, answers }) => answers.map((answer) => ({ prompt, answer })));
  let [stdout, stderr, answered] = ['', '', 0];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      const at = stdout.indexOf(next.prompt, answered);
      if (at < 0) break;
      answered = at + next.prompt.length;
      child.stdin.write(next.answer);
      queue.shift();
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => undefined); // The program may end before it has read everything.
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** A folder for one test file, with the function that removes it. */
export function scratchFolder(): { readonly path: string; readonly file: (name: string) => string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'paratrace-test-'));
  return {
    path,
    file: (name) => join(path, name),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Arguments of QEMU for a machine like ours: modern virtio, no screen. */
export const QEMU_MACHINE = [
  ...['-M', 'virt', '-m', '128M', '-global', 'virtio-mmio.force-legacy=false'],
  ...['-display', 'none', '-monitor', 'none'],
] as const;

export function qemuDrive(image: string): string[] {
  return [
    '-drive',
    `file=${image},format=raw,if=none,id=drive0,snapshot=on`,
    '-device',
    'virtio-blk-device,drive=drive0',
  ];
}
