/** Settings of V8 that the engine's generated code profits from. Nothing of them shows in a run but its wall time. */
import { setFlagsFromString } from 'node:v8';

/** From this V8 on (Chrome 137) branch hints are read without a flag, and the flag is gone. */
const HINTS_BY_DEFAULT = { major: 13, minor: 7 };

/**
 * Has V8 read the branch hints in WebAssembly modules (the section `metadata.code.branch_hint`). Call before the first module is
 * compiled.
 * @param version of V8, such as `11.3.244.8-node.33`
 */
export function readBranchHints(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const byDefault =
    major > HINTS_BY_DEFAULT.major || (major === HINTS_BY_DEFAULT.major && minor >= HINTS_BY_DEFAULT.minor);
  if (!byDefault) setFlagsFromString('--experimental-wasm-branch-hinting');
}

/**
 * Has V8 compile every function of a WebAssembly module with the module, not when it is first called, by its optimizing compiler, and one
 * after the other. For modules of regions, which another thread compiles: what it leaves out the guest's thread would have to do, only code
 * that is hot is in them, and what is compiled beside it takes the processor from the guest. Modules that are there already stay as they are.
 */
export function compileModulesWhole(): void {
  setFlagsFromString('--no-wasm-lazy-compilation');
  setFlagsFromString('--no-liftoff');
  setFlagsFromString('--wasm-num-compilation-tasks=1');
}

/** V8's own. */
const RECOMPILATIONS_DEFAULT = 8;

/**
 * Has threads that start from now on leave their JavaScript as V8's baseline compiler makes it, or no longer. The optimizing compiler works on
 * threads of its own, several at a time, and takes as long for the translator as that saves on half a second's work.
 */
export function keepBaseline(isKept: boolean): void {
  setFlagsFromString(`--concurrent-recompilation-queue-length=${isKept ? 0 : RECOMPILATIONS_DEFAULT}`);
}
