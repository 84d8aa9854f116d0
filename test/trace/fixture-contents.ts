/** All that a reader tells of a trace, as lines of JSON. */
import { openTrace } from '../../src/trace/reader.ts';

/** A record a line; bigints are texts that end in `n`, bytes are lists. */
export function contentsOf(bytes: Uint8Array): string {
  const trace = openTrace(bytes);
  const { version, header, embedded, totals, end, eventsOfRun } = trace;
  const images = embedded.map((sha256) => ({ sha256, bytes: trace.image(sha256) }));
  const records = [
    { version },
    { header },
    { images },
    { totals, end, eventsOfRun },
    ...trace.events(),
    ...trace.inputs(),
    ...trace.digests(),
    ...trace.counters(),
  ];
  return records.map((record) => `${JSON.stringify(record, plain)}\n`).join('');
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  return value instanceof Uint8Array ? [...value] : value;
}
