/** The `paratrace` binary. */
import { nodeHost } from './host/node-host.ts';
import { main } from './main.ts';

// Ends the process even if standard input is still open.
void main(process.argv.slice(2), nodeHost()).then((code) => process.exit(code));
