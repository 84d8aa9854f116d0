/** In the place of `node:child_process`, which commander loads for subcommands that are programs of their own. There are none. */
exports.spawn = () => {
  throw new Error('paratrace starts no programs');
};
