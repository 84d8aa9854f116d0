/**
 * The engine's module for the machines that most runs have, generated when the program is built and put beside it. A machine of
 * another kind, and the program in its sources, generate theirs.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machineConfig } from '../../hypervisor/vm-config.ts';
import { engineKey, generateEngine } from '../../machine/engine/engine.ts';
import { planMemory } from '../../machine/engine/layout.ts';
import type { MachineConfig } from '../../machine/machine-types.ts';
import { RUN_DEFAULTS } from '../../session/run-defaults.ts';
import { readFile, sha256 } from './files.ts';

const NAME_DIGITS = 16;

/** A file that the build makes. */
export interface EngineCodeFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The module of a machine, if it came with the program. */
export function findEngineCode(key: string): Uint8Array<ArrayBuffer> | undefined {
  const path = join(dirname(fileURLToPath(import.meta.url)), fileName(key));
  return existsSync(path) ? new Uint8Array(readFile(path)) : undefined;
}

/** For the build: machines that differ from the default in nothing but where their guest starts. */
export function commonEngineCode(): readonly EngineCodeFile[] {
  return commonMachines().map((machine) => ({
    name: fileName(engineKey(machine)),
    bytes: generateEngine(machine, planMemory(machine.memoryBytes)),
  }));
}

function commonMachines(): MachineConfig[] {
  return (['s', 'm'] as const).map((entry) => machineConfig({ ...RUN_DEFAULTS, entry }));
}

function fileName(key: string): string {
  return `engine-${sha256(new TextEncoder().encode(key)).slice(0, NAME_DIGITS)}.wasm`;
}
