/**
 * The engine's module for the machines that most runs have, generated when the program is built and put beside it. A machine of
 * another kind, and the program in its sources, generate theirs.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MODES } from '../../hypervisor/modes/modes.ts';
import { machineConfig } from '../../hypervisor/vm-config.ts';
import { engineKey, generateEngine } from '../../machine/engine/engine.ts';
import { planMemory } from '../../machine/engine/layout.ts';
import type { MachineConfig } from '../../machine/machine-types.ts';
import type { ModeName } from '../../session/config.ts';
import { RUN_DEFAULTS } from '../../session/run-defaults.ts';
import { readBranchHints } from './compiler-flags.ts';
import { readFile, sha256 } from './files.ts';

const NAME_DIGITS = 16;

/** A file that the build makes. */
export interface EngineCodeFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The module of a machine, if it came with the program. Asked just before one is compiled, and not earlier has V8 to know how (`compiler-flags.ts`). */
export function findEngineCode(key: string): Uint8Array<ArrayBuffer> | undefined {
  readBranchHints(process.versions.v8);
  const path = join(dirname(fileURLToPath(import.meta.url)), fileName(key));
  return existsSync(path) ? new Uint8Array(readFile(path)) : undefined;
}

/** For the build: machines that differ from the default in nothing but the mode and where their guest starts. */
export function commonEngineCode(): readonly EngineCodeFile[] {
  const machines = new Map(commonMachines().map((machine) => [fileName(engineKey(machine)), machine]));
  return [...machines].map(([name, machine]) => ({
    name,
    bytes: generateEngine(machine, planMemory(machine.memoryBytes, machine.hostMemoryBytes)),
  }));
}

function commonMachines(): MachineConfig[] {
  return Object.values(MODES).flatMap(({ name, entries }) =>
    entries.map((entry) => machineConfig({ ...RUN_DEFAULTS, mode: name as ModeName, entry })),
  );
}

function fileName(key: string): string {
  return `engine-${sha256(new TextEncoder().encode(key)).slice(0, NAME_DIGITS)}.wasm`;
}
