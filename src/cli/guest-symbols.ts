/** Symbols of the guest of a trace that may only name it: then looked for where a replay would find it, and done without otherwise. */
import { type Symbolize, symbolsOf } from '../analysis/symbols.ts';
import { ParatraceError } from '../errors.ts';
import type { TraceReader } from '../trace/reader.ts';
import { imageFinder } from './host/images.ts';

/** @param path of the trace */
export function guestSymbols(path: string, trace: TraceReader): Symbolize {
  const { header } = trace;
  const { guest } = header.config;
  const bytes = trace.image(guest.sha256) ?? findGuest(path, trace);
  return symbolsOf({ header, image: () => bytes });
}

function findGuest(path: string, { header }: TraceReader): Uint8Array | undefined {
  try {
    return imageFinder(path, [])(header.config.guest);
  } catch (error) {
    // A file of that name that is another one: no reason not to compare.
    if (error instanceof ParatraceError) return undefined;
    throw error;
  }
}
