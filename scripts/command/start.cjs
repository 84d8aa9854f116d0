#!/usr/bin/env node
/** Starts the command line. */
require('./bytecode.cjs').runProgram('program', __dirname, require);
