/** Programs of the build and the bytecode that it keeps of them, read together. */
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const vm = require('node:vm');

/** Name of the file that bytecode of a program is kept in: V8's format fits one build of V8 only. */
exports.bytecodeFile = (program) => {
  const { v8, icu } = process.versions;
  return `${program}-${process.version}-${v8}-${icu}-${process.platform}-${process.arch}.bytecode`;
};

/**
 * Runs a program: one file, and the bytecode that the build has kept of it, if this is the Node that made it.
 * @param folder in which both lie
 * @param load `require` of who starts it
 */
exports.runProgram = (program, folder, load) => {
  const file = join(folder, `${program}.cjs`);
  const bytecode = join(folder, exports.bytecodeFile(program));
  // The program is ASCII: read as Latin-1 it needs no decoding.
  const source = readFileSync(file, 'latin1');
  const cachedData = existsSync(bytecode) ? readFileSync(bytecode) : undefined;
  // V8 compiles the source if the bytecode is of another version, other flags or a source of another length.
  const script = new vm.Script(source, { filename: file, ...(cachedData !== undefined && { cachedData }) });
  const module = { exports: {} };
  script.runInThisContext()(load, module, module.exports, file, folder);
};
