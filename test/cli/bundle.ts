/** The command line as users run it: one bundled file, started as a process. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));

export class Bundle {
  /** Inside the package, because the command finds its guests from where it is. */
  readonly #file: string;
  readonly #folder: string;

  /** @param folder that commands run in. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#file = `${root}build/test-cli-${process.pid}-${performance.now()}.js`;
  }

  async build(): Promise<void> {
    await build({
      absWorkingDir: root,
      entryPoints: ['src/cli/paratrace.ts'],
      outfile: this.#file,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'warning',
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
      },
    });
  }

  /** Runs a command to its end, with standard input closed or a pipe with this text. */
  run(args: readonly string[], input?: string): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(process.execPath, [this.#file, ...args], {
      encoding: 'utf8',
      cwd: this.#folder,
      ...(input === undefined ? { stdio: ['ignore', 'pipe', 'pipe'] } : { input }),
    });
  }

  /** Starts a command with pipes. */
  start(args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [this.#file, ...args], { cwd: this.#folder, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  remove(): void {
    rmSync(this.#file, { force: true });
  }
}
