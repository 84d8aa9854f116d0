/** Writes a trace that is made of another, and says how large it is. */
import type { ByteSink } from '../trace/chunk-writer.ts';
import { groupDigits } from '../viz/format.ts';
import type { Host } from './host/host.ts';
import { TraceFile } from './host/trace-file.ts';

/** @throws ParatraceError `file.unreadable`, and what `write` throws: then an older file of that name is left alone. */
export function writeTrace(host: Host, path: string, write: (sink: ByteSink) => void): void {
  const file = new TraceFile(path);
  file.open();
  try {
    write(file.write);
    file.finish();
  } finally {
    file.close();
  }
  host.stderr.write(`paratrace: trace ${path}, ${groupDigits(file.sizeBytes)} bytes\n`);
}
