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
