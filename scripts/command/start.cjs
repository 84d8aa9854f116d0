#!/usr/bin/env node
/** Starts the command line: one file, and the bytecode that the build has kept of it, if this is the Node that made it. */
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { setFlagsFromString } = require('node:v8');
const vm = require('node:vm');
const { bytecodeFile } = require('./bytecode-file.cjs');

// Bytecode that V8 may inline into one function: three times its default. The way from an exit back into the guest is some eighty small
// functions, half of which would be called otherwise. Before the program is read, as V8 takes bytecode only under the flags it was made under.
setFlagsFromString('--max-inlined-bytecode-size-cumulative=3000');

const file = join(__dirname, 'program.cjs');
const bytecode = join(__dirname, bytecodeFile());

// The program is ASCII: read as Latin-1 it needs no decoding.
const source = readFileSync(file, 'latin1');
const cachedData = existsSync(bytecode) ? readFileSync(bytecode) : undefined;
// V8 compiles the source if the bytecode is of another version, other flags or a source of another length.
const script = new vm.Script(source, { filename: file, ...(cachedData !== undefined && { cachedData }) });
script.runInThisContext()(require, module, exports, file, __dirname);
