/**
 * Runs the built command several times in one process, and keeps the bytecode of all functions that the runs have compiled.
 *
 *   node scripts/command/keep-bytecode.cjs FOLDER COMMAND-LINES
 *
 * COMMAND-LINES are the arguments of each run: a list of lists, as JSON.
 */
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { setFlagsFromString } = require('node:v8');
const vm = require('node:vm');
const { bytecodeFile } = require('./bytecode.cjs');

const [, , folder, commandLines] = process.argv;
const start = join(folder, 'paratrace.js');
const waiting = JSON.parse(commandLines);
const { Script } = vm;
let program;

// What the first run needed may be old when the last one ends.
setFlagsFromString('--no-flush-bytecode');
// One for all runs: another would be compiled anew.
vm.Script = function KeptScript(...parts) {
  program ??= new Script(...parts);
  return program;
};
const exit = process.exit.bind(process);
process.exit = (status) => {
  if (status !== 0) exit(status);
  setImmediate(runNext);
};
runNext();

function runNext() {
  const args = waiting.shift();
  if (args === undefined) {
    keep();
    exit(0);
  }
  process.argv = [process.execPath, start, ...args];
  delete require.cache[start];
  require(start);
}

function keep() {
  // The program is read before anything sets these, and V8 takes bytecode only under the flags that it was made under.
  setFlagsFromString('--flush-bytecode');
  setFlagsFromString('--no-experimental-wasm-branch-hinting');
  setFlagsFromString('--wasm-lazy-compilation');
  setFlagsFromString('--liftoff');
  setFlagsFromString('--wasm-dynamic-tiering');
  setFlagsFromString('--wasm-num-compilation-tasks=128');
  setFlagsFromString('--concurrent-recompilation-queue-length=8');
  writeFileSync(join(folder, bytecodeFile('program')), program.createCachedData());
}
