/** Symbols of the guest of a trace, from the image that the trace keeps: what names a pc. */
import { ParatraceError } from '../errors.ts';
import { isElf, parseElf } from '../machine/platform/elf.ts';
import type { TraceReader } from '../trace/reader.ts';

/** `main+0x12` for an address; undefined where nothing names it. */
export type Symbolize = (address: bigint) => string | undefined;

const NO_SYMBOLS: Symbolize = () => undefined;

/** Nothing is named where the trace does not hold the guest, or the guest is not an ELF file with symbols. */
export function symbolsOf(trace: Pick<TraceReader, 'header' | 'image'>): Symbolize {
  const { guest } = trace.header.config;
  const bytes = trace.image(guest.sha256);
  if (bytes === undefined || !isElf(bytes)) return NO_SYMBOLS;
  try {
    const { symbols } = parseElf(bytes, guest.name);
    return (address) => {
      const place = symbols.symbolAt(address);
      if (place === undefined) return undefined;
      return place.offset === 0n ? place.name : `${place.name}+0x${place.offset.toString(16)}`;
    };
  } catch (error) {
    // An image that cannot be loaded is a matter of a replay, not of names.
    if (error instanceof ParatraceError) return NO_SYMBOLS;
    throw error;
  }
}
