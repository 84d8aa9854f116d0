/**
 * Runs the built command once, and keeps the bytecode of what one of its threads has compiled by then.
 *
 *   node scripts/command/keep-thread-bytecode.cjs FOLDER PROGRAM ARGUMENT...
 *
 * PROGRAM is the thread's. The command fails if the run does not start it.
 */
const { renameSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const { basename, join } = require('node:path');
const { setFlagsFromString } = require('node:v8');
const vm = require('node:vm');
const threads = require('node:worker_threads');
const { bytecodeFile } = require('./bytecode.cjs');

/** How often the thread is asked. */
const ASK_MS = 20;

const channel = new threads.BroadcastChannel('keep bytecode');
if (threads.isMainThread) runCommand(...process.argv.splice(2, 2));
else runThread(...process.argv.slice(2));

function runCommand(folder, program) {
  const { Worker } = threads;
  let thread;
  let hasEnded = false;
  threads.Worker = class extends Worker {
    constructor(path, options) {
      const isMeant = basename(path, '.cjs') === program;
      super(isMeant ? __filename : path, isMeant ? { ...options, argv: [folder, path] } : options);
      if (!isMeant) return;
      thread = this;
      this.once('exit', () => {
        hasEnded = true;
      });
    }
  };
  // The command starts some threads only where there is a processor for them; here they are wanted in any case.
  os.availableParallelism = () => 2;
  const exit = process.exit.bind(process);
  process.exit = (status) => {
    if (status !== 0) exit(status);
    if (thread === undefined) throw new Error(`${program} was not started`);
    // One that has done its work ends by itself, maybe before it hears of this: it keeps its bytecode then too.
    if (hasEnded) exit(0);
    thread.once('exit', () => exit(0));
    channel.onmessage = () => exit(0);
    // Again and again: a thread that has hardly started may not listen yet.
    setInterval(() => channel.postMessage('keep'), ASK_MS);
  };
  require(join(folder, 'paratrace.js'));
}

function runThread(folder, path) {
  const { Script } = vm;
  let script;
  vm.Script = class extends Script {
    constructor(...parts) {
      super(...parts);
      script = this;
    }
  };
  setFlagsFromString('--no-flush-bytecode');
  let isKept = false;
  const keepOnce = () => {
    if (!isKept) keep(script, join(folder, bytecodeFile(`${basename(path, '.cjs')}-program`)));
    isKept = true;
  };
  process.once('exit', keepOnce);
  channel.onmessage = () => {
    keepOnce();
    channel.postMessage('kept');
  };
  channel.unref();
  require(path);
}

/** The settings under which a thread reads its program are V8's own. */
function keep(script, file) {
  setFlagsFromString('--flush-bytecode');
  setFlagsFromString('--no-experimental-wasm-branch-hinting');
  writeFileSync(`${file}.part`, script.createCachedData());
  renameSync(`${file}.part`, file);
}
