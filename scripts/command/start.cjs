#!/usr/bin/env node
/** Starts the command line: one file, and the bytecode that the build has kept of it, if this is the Node that made it. */
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const vm = require('node:vm');
const { bytecodeFile } = require('./bytecode-file.cjs');

const file = join(__dirname, 'program.cjs');
const bytecode = join(__dirname, bytecodeFile());

// The program is ASCII: read as Latin-1 it needs no decoding.
const source = readFileSync(file, 'latin1');
const cachedData = existsSync(bytecode) ? readFileSync(bytecode) : undefined;
// V8 compiles the source if the bytecode is of another version, other flags or a source of another length.
const script = new vm.Script(source, { filename: file, ...(cachedData !== undefined && { cachedData }) });
script.runInThisContext()(require, module, exports, file, __dirname);
