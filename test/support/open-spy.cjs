/** Required before a program: says on standard error which files it opens. */
const fs = require('node:fs');
const { basename } = require('node:path');

const { openSync } = fs;
fs.openSync = (path, ...rest) => {
  fs.writeSync(2, `opened ${basename(String(path))}\n`);
  return openSync(path, ...rest);
};
