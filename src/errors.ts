/**
 * Operating errors: what a user of the tool did, or gave it, that cannot work.
 *
 * Three other kinds of failure are deliberately not here. A guest trap is a value that the machine returns; malformed guest
 * input to a device or hypercall is an error that the guest sees; a bug of ours is an assertion (`assert.ts`).
 * Every code stands in `ERROR_CODES` once, with its trigger and its fix; `docs/errors.md` is checked against it.
 */

/** Exit codes of the command line (README, "Exit codes"). */
export const EXIT_CODE = { ok: 0, guestFailed: 1, usage: 2, unreadableTrace: 3, diverged: 4, internal: 70 } as const;
export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];

/** Where an error was found. Every part is optional; what is known is printed. */
export interface ErrorPlace {
  /** File name as the user gave it. */
  readonly file?: string;
  /** Byte offset in that file. */
  readonly offset?: number;
  readonly hart?: number;
  readonly pc?: bigint;
  readonly icount?: number;
  readonly cycle?: number;
}

interface ErrorRow {
  readonly exit: ExitCode;
  /** What brings it about. */
  readonly trigger: string;
  /** What the user can do. */
  readonly fix: string;
}

/** All codes. A code is never reused for another meaning. */
export const ERROR_CODES = {
  'usage.option': {
    exit: EXIT_CODE.usage,
    trigger: 'An option has a value outside its range or form.',
    fix: 'Give a value of the form that `--help` shows for the option.',
  },
  'usage.guest-unknown': {
    exit: EXIT_CODE.usage,
    trigger: 'The guest is neither a bundled name nor a readable file.',
    fix: 'List the bundled guests with `paratrace guests`, or give the path of an ELF or raw image.',
  },
  'usage.memory': {
    exit: EXIT_CODE.usage,
    trigger: 'The host cannot give the memory that the machine is to have.',
    fix: 'Give the machine less with `--memory`.',
  },
  'costs.profile': {
    exit: EXIT_CODE.usage,
    trigger: 'A cost profile of the user is not JSON, or has a key or a value that it cannot have.',
    fix: 'Compare the file with docs/costs.md; `paratrace costs FILE` checks it.',
  },
  'file.unreadable': {
    exit: EXIT_CODE.usage,
    trigger: 'A file named on the command line cannot be opened, read or written.',
    fix: 'Check the path and its permissions.',
  },
  'usage.output': {
    exit: EXIT_CODE.usage,
    trigger: 'The output file is one of the files that are read.',
    fix: 'Give `-o` another name.',
  },
  'file.too-large': {
    exit: EXIT_CODE.usage,
    trigger: 'A file is larger than what is held in memory: 1 GiB.',
    fix: 'Give a smaller image.',
  },
  'image.drive': {
    exit: EXIT_CODE.usage,
    trigger: 'The image of a drive is empty or ends within a sector of 512 bytes.',
    fix: 'Make it a whole number of sectors, for example with `truncate -s %512 FILE`.',
  },
  'image.elf': {
    exit: EXIT_CODE.usage,
    trigger: 'An ELF file is truncated, malformed or not for RV64.',
    fix: 'Build a little-endian ELF64 executable for RISC-V.',
  },
  'image.raw': {
    exit: EXIT_CODE.usage,
    trigger:
      'A raw image is empty or compressed, or its Linux Image header names an offset, size or byte order that cannot work.',
    fix: 'Give the uncompressed `Image` of a little-endian RISC-V kernel, or a plain binary.',
  },
  'image.too-large': {
    exit: EXIT_CODE.usage,
    trigger: 'A kernel, initrd or segment does not fit the guest RAM.',
    fix: 'Give the machine more with `--memory`, or link the guest inside RAM (from 0x80000000).',
  },
  'whatif.trace': {
    exit: EXIT_CODE.usage,
    trigger:
      'Nothing can be predicted from the trace: it is of another mode than `pv`, of several harts, cut off, or older than counters.',
    fix: 'Record the guest again with `--mode pv` and one hart, to its end.',
  },
  'trace.truncated': {
    exit: EXIT_CODE.unreadableTrace,
    trigger: 'The trace ends before its closing chunk: the recording was cut off, or the file was cut.',
    fix: 'Everything before the named offset is whole; record again for a complete trace.',
  },
  'trace.corrupt': {
    exit: EXIT_CODE.unreadableTrace,
    trigger: 'A checksum, length or value in the trace is wrong.',
    fix: 'Get an unaltered copy of the file; the offset names the first chunk that is damaged.',
  },
  'trace.not-a-trace': {
    exit: EXIT_CODE.unreadableTrace,
    trigger: 'The file does not begin with the magic bytes of a Paratrace trace.',
    fix: 'Give a file that `paratrace record` wrote.',
  },
  'trace.version': {
    exit: EXIT_CODE.unreadableTrace,
    trigger: 'The trace has a format version, or a payload coding of a later one, that this Paratrace does not read.',
    fix: 'Use the Paratrace version that wrote it, or record again.',
  },
  'trace.excerpt': {
    exit: EXIT_CODE.usage,
    trigger:
      'The verb needs all events of a run, and the trace was trimmed to inputs or to a window; or one of two traces to compare was.',
    fix: 'Make a trace with all events of it: `paratrace replay TRACE -o WHOLE`.',
  },
  'trace.image-missing': {
    exit: EXIT_CODE.usage,
    trigger: 'An image that the trace refers to by digest was not found.',
    fix: 'Put the image beside the trace, or name it with `--image FILE`.',
  },
  'trace.image-differs': {
    exit: EXIT_CODE.usage,
    trigger: 'An image has another SHA-256 digest than the one the trace was recorded with.',
    fix: 'Give the image that was recorded; a recording replays on nothing else.',
  },
  'trace.machine': {
    exit: EXIT_CODE.unreadableTrace,
    trigger: 'The trace asks for a machine, mode or profile that this version cannot build.',
    fix: 'Use the Paratrace version that wrote it.',
  },
  'golden.manifest': {
    exit: EXIT_CODE.usage,
    trigger: 'A `golden.json` is not JSON, or has a field, a name or a run that it cannot have.',
    fix: 'Compare the file with docs/golden-traces.md.',
  },
  'golden.interrupted': {
    exit: EXIT_CODE.usage,
    trigger:
      'A golden trace is of a run that was ended from outside, or an excerpt of a run, and cannot be recorded again.',
    fix: 'Record a run that ends by itself or by `--max-cycles`, and keep all of it.',
  },
  'golden.ci': {
    exit: EXIT_CODE.usage,
    trigger: 'Golden traces were to be written where `CI` is set in the environment.',
    fix: 'Accept them on your own machine, look at the differences, and commit them.',
  },
  'replay.diverged': {
    exit: EXIT_CODE.diverged,
    trigger: 'Replay produced an event, digest or end that differs from the recorded one.',
    fix: 'Compare both sides in the report; re-record if the machine model changed on purpose.',
  },
  'guest.failed': {
    exit: EXIT_CODE.guestFailed,
    trigger: 'The guest reported failure (tohost, test finisher or SBI system reset with a failure reason).',
    fix: 'Look at the guest output; replay the trace to reproduce the failure.',
  },
  'guest.output': {
    exit: EXIT_CODE.guestFailed,
    trigger: 'A guest under `compare` printed more than can be held and compared: 16 MiB.',
    fix: 'Let it print less, for example with fewer `--iterations` or by `--max-cycles`.',
  },
  'guest.stuck': {
    exit: EXIT_CODE.guestFailed,
    trigger:
      'The guest can make no progress: its trap handler cannot be fetched, or it waits with every interrupt off.',
    fix: 'Look at the pc and cause that are printed; set up stvec before the first trap.',
  },
  'guest.waits-for-input': {
    exit: EXIT_CODE.guestFailed,
    trigger: 'The guest waits for console input, and the input has ended.',
    fix: 'Give more input (`--stdin FILE`), ending with what makes the guest power off.',
  },
  'guest.max-cycles': {
    exit: EXIT_CODE.guestFailed,
    trigger: 'The run reached `--max-cycles` before the guest ended.',
    fix: 'Raise `--max-cycles`, or look where the guest is with `paratrace events`.',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An operating error with a stable code, the offending value and its place. */
export class ParatraceError extends Error {
  override readonly name = 'ParatraceError';
  readonly code: ErrorCode;
  readonly place: ErrorPlace;

  /** @param message what is wrong, with the offending value; the place and the fix are added by {@link formatError}. */
  constructor(code: ErrorCode, message: string, place: ErrorPlace = {}) {
    super(message);
    this.code = code;
    this.place = place;
  }

  get exitCode(): ExitCode {
    return ERROR_CODES[this.code].exit;
  }
}

/** One error as the command line prints it: what, where, what to do. */
export function formatError(error: ParatraceError): string {
  const { file, offset, hart, pc, icount, cycle } = error.place;
  const where = [
    file,
    offset === undefined ? undefined : `offset ${offset}`,
    hart === undefined ? undefined : `hart ${hart}`,
    pc === undefined ? undefined : `pc 0x${pc.toString(16)}`,
    icount === undefined ? undefined : `icount ${icount}`,
    cycle === undefined ? undefined : `cycle ${cycle}`,
  ].filter((part) => part !== undefined);
  const place = where.length === 0 ? '' : `\n  where: ${where.join(', ')}`;
  return `${error.code}: ${error.message}${place}\n  fix: ${ERROR_CODES[error.code].fix}`;
}
