/** The command line as users run it: built as `npm run build` does, started as a process. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildCommand } from '../../scripts/build-command.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Says which files are opened. */
const SPY = `${root}test/support/open-spy.cjs`;
let built = 0;

export class Bundle {
  /** Inside the package, because the command finds its guests from where it is. */
  readonly #home = `${root}build/test-cli-${process.pid}-${built++}`;
  #command = '';
  readonly #folder: string;

  /** @param folder that commands run in. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Path of the file to start, once it is built. */
  get command(): string {
    return this.#command;
  }

  async build(): Promise<void> {
    this.#command = await buildCommand(this.#home);
  }

  /** Names of the engine code files that a command reads. */
  engineCodeOf(args: readonly string[]): string[] {
    const { stderr } = spawnSync(process.execPath, ['--require', SPY, this.#command, ...args], {
      encoding: 'utf8',
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return [...stderr.matchAll(/^opened (\S+\.wasm)$/gm)].map(([, name = '']) => name);
  }

  /** Runs a command to its end, with standard input closed or a pipe with this text, and more in its environment. */
  run(
    args: readonly string[],
    input?: string,
    environment: Readonly<Record<string, string>> = {},
  ): { status: number | null; stdout: string; stderr: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [this.#command, ...args], {
      encoding: 'utf8',
      cwd: this.#folder,
      env: { ...process.env, ...environment },
      ...(input === undefined ? { stdio: ['ignore', 'pipe', 'pipe'] } : { input }),
    });
    return { status, stdout, stderr };
  }

  /** Starts a command with pipes. */
  start(args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [this.#command, ...args], { cwd: this.#folder, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  remove(): void {
    rmSync(this.#home, { recursive: true, force: true });
  }
}
