/** Starts the program of a thread; the build says which. */
/* global THREAD_PROGRAM */
require('./bytecode.cjs').runProgram(THREAD_PROGRAM, __dirname, require);
