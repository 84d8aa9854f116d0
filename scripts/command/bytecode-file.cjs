/** Name of the file that bytecode is kept in: V8's format fits one build of V8 only. */
exports.bytecodeFile = () => {
  const { v8, icu } = process.versions;
  return `program-${process.version}-${v8}-${icu}-${process.platform}-${process.arch}.bytecode`;
};
