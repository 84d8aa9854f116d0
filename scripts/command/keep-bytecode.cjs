/**
 * Runs the built command, and keeps the bytecode of the functions that the run has compiled.
 *
 *   node scripts/command/keep-bytecode.cjs FOLDER ARGUMENT...
 */
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { setFlagsFromString } = require('node:v8');
const vm = require('node:vm');
const { bytecodeFile } = require('./bytecode-file.cjs');

const [folder] = process.argv.splice(2, 1);
const { Script } = vm;
let program;

vm.Script = class extends Script {
  constructor(...parts) {
    super(...parts);
    program = this;
  }
};
process.on('exit', (status) => {
  // The program is read before it sets this, and V8 takes bytecode only under the flags that it was made under.
  setFlagsFromString('--no-experimental-wasm-branch-hinting');
  setFlagsFromString('--wasm-lazy-compilation');
  setFlagsFromString('--liftoff');
  setFlagsFromString('--wasm-num-compilation-tasks=128');
  setFlagsFromString('--concurrent-recompilation-queue-length=8');
  if (status === 0) writeFileSync(join(folder, bytecodeFile()), program.createCachedData());
});
require(join(folder, 'paratrace.js'));
