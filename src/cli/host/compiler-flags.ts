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
 * Has V8 compile every function of a WebAssembly module with the module, not when it is first called, and then by its optimizing
 * compiler at once, not when it has been called often. For modules of regions, which another thread compiles: what it leaves out the
 * guest's thread would have to do, and only code that is hot is in them. Modules that are there already stay as they are.
 */
export function compileModulesWhole(): void {
  setFlagsFromString('--no-wasm-lazy-compilation');
  setFlagsFromString('--no-wasm-dynamic-tiering');
}
