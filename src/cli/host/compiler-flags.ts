/** Settings of V8 that the engine's generated code and the code around it profit from. Nothing of them shows in a run but its wall time. */
import { setFlagsFromString } from 'node:v8';

/** From this V8 on (Chrome 137) branch hints are read without a flag, and the flag is gone. */
const HINTS_BY_DEFAULT = { major: 13, minor: 7 };

/**
 * Bytes of bytecode that may be inlined into one function: three times what V8 takes by default. The way from an exit back into the guest
 * is some eighty small functions deep, and by default half of them are called.
 */
const INLINED_BYTES = 3000;

/**
 * Sets up V8. Call before the first WebAssembly module is compiled.
 * @param version of V8, such as `11.3.244.8-node.33`
 */
export function setUpCompilers(version: string): void {
  readBranchHints(version);
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${INLINED_BYTES}`);
}

/** Has V8 read the branch hints in WebAssembly modules (the section `metadata.code.branch_hint`). */
function readBranchHints(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const byDefault =
    major > HINTS_BY_DEFAULT.major || (major === HINTS_BY_DEFAULT.major && minor >= HINTS_BY_DEFAULT.minor);
  if (!byDefault) setFlagsFromString('--experimental-wasm-branch-hinting');
}
