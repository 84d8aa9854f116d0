/** The `paratrace` binary. */
import { readBranchHints } from './host/compiler-flags.ts';
import { nodeHost } from './host/node-host.ts';
import { main } from './main.ts';

readBranchHints(process.versions.v8);
// Ends the process even if standard input is still open.
void main(process.argv.slice(2), nodeHost()).then((code) => process.exit(code));
