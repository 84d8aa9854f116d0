/**
 * Settings of V8 that the engine's generated code profits from. Nothing of them shows in a run but its wall time.
 *
 * They hold for the whole process, and V8 takes code that was compiled before, such as Node keeps of its own modules, only while all are what
 * they were then. So they are set no longer than they are needed: under others a thread takes twice as long to start.
 */
import { setFlagsFromString } from 'node:v8';

/** From this V8 on (Chrome 137) branch hints are read without a flag, and the flag is gone. */
const HINTS_BY_DEFAULT = { major: 13, minor: 7 };
const WHOLE_MODULES = ['--no-wasm-lazy-compilation', '--no-liftoff', '--wasm-num-compilation-tasks=1'] as const;
/** This V8 notes that an experiment has been turned on, and not that it is off again. */
const MARKED_MAJOR = 12;
/** As V8 has them. Without its baseline compiler it gives up dynamic tiering too. */
const LAZY_MODULES = [
  '--wasm-lazy-compilation',
  '--liftoff',
  '--wasm-dynamic-tiering',
  '--wasm-num-compilation-tasks=128',
] as const;
/** V8's own. */
const RECOMPILATIONS_DEFAULT = 8;

/**
 * Has V8 read the branch hints in WebAssembly modules (the section `metadata.code.branch_hint`) that are compiled from now on, or no longer.
 * @param version of V8, such as `11.3.244.8-node.33`
 */
export function readBranchHints(version: string, areRead = true): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const byDefault =
    major > HINTS_BY_DEFAULT.major || (major === HINTS_BY_DEFAULT.major && minor >= HINTS_BY_DEFAULT.minor);
  if (byDefault) return;
  setFlagsFromString(`--${areRead ? '' : 'no-'}experimental-wasm-branch-hinting`);
  if (!areRead && major === MARKED_MAJOR) setFlagsFromString('--no-experimental');
}

/**
 * Compiles every function of a WebAssembly module with the module, not when it is first called, by V8's optimizing compiler, and one
 * after the other. For modules of regions, on a thread of their own: what it leaves out the guest's thread would have to do, only code
 * that is hot is in them, and what is compiled beside it takes the processor from the guest.
 */
export function compileWhole(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  for (const setting of WHOLE_MODULES) setFlagsFromString(setting);
  try {
    return new WebAssembly.Module(bytes);
  } finally {
    for (const setting of LAZY_MODULES) setFlagsFromString(setting);
  }
}

/**
 * Has threads that are made from now on leave their JavaScript as V8's baseline compiler makes it, or no longer. The optimizing compiler works on
 * threads of its own, several at a time, and takes as long for the translator as that saves on half a second's work.
 */
export function keepBaseline(isKept: boolean): void {
  setFlagsFromString(`--concurrent-recompilation-queue-length=${isKept ? 0 : RECOMPILATIONS_DEFAULT}`);
}
