/** Files that the user names: read whole, with a limit, and with an error that says which file and why. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, realpathSync, statSync, writeSync } from 'node:fs';
import { ParatraceError } from '../../errors.ts';

/** Largest file that is read: images lie in memory as a whole. */
export const FILE_BYTES_MAX = 2 ** 30;
const READ_BYTES = 2 ** 20;
/** Ends the name of a trace that is not complete. */
export const PARTIAL_SUFFIX = '.partial';

/**
 * The content of a file, or of a pipe or device that ends.
 * @throws ParatraceError `file.unreadable` or `file.too-large`.
 */
export function readFile(path: string): Uint8Array {
  const fd = attempt(path, 'opened', () => openSync(path, 'r'));
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new ParatraceError('file.unreadable', 'it is a directory', { file: path });
    if (stat.size > FILE_BYTES_MAX) throw tooLarge(path, `${stat.size}`);
    return stat.isFile() ? readKnown(fd, path, stat.size) : readToEnd(fd, path);
  } finally {
    closeSync(fd);
  }
}

/** Whether the path names a file that is there and of a size that {@link readFile} takes. Anything else than a plain file is not one. */
export function isPlainFile(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size <= FILE_BYTES_MAX;
}

/** SHA-256 in lower-case hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Makes sure that the output would not overwrite what is read.
 * @throws ParatraceError `usage.output`.
 */
export function checkOutput(output: string, inputs: readonly string[]): void {
  const target = identity(output);
  if (target === undefined) return;
  for (const input of inputs) {
    if (identity(input) !== target) continue;
    throw new ParatraceError('usage.output', `the output would overwrite the input \`${input}\``, { file: output });
  }
}

/**
 * As {@link checkOutput}, for a trace: it is written under another name until it is complete.
 * @throws ParatraceError `usage.output`.
 */
export function checkTraceOutput(output: string, inputs: readonly string[]): void {
  checkOutput(output, inputs);
  checkOutput(partialPathOf(output), inputs);
}

/** The name until the trace is complete. A pipe or a device is written as it is, and a link stays one. */
export function partialPathOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return `${path}${PARTIAL_SUFFIX}`;
  return stat.isFile() ? `${realpathSync(path)}${PARTIAL_SUFFIX}` : path;
}

/** Calls a file operation. A failure of the system becomes `file.unreadable`, saying what could not be done. */
export function attempt<T>(path: string, done: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    if (error instanceof ParatraceError) throw error;
    const why = describeSystemError(error as NodeJS.ErrnoException);
    throw new ParatraceError('file.unreadable', `it cannot be ${done}: ${why}`, { file: path });
  }
}

/**
 * Writes all of `bytes` at the end of an open file.
 * @throws ParatraceError `file.unreadable`.
 */
export function append(fd: number, path: string, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    at += attempt(path, 'written', () => writeSync(fd, bytes, at, bytes.length - at));
  }
}

/** Why the system refused, in words. */
export function describeSystemError({ code, message }: NodeJS.ErrnoException): string {
  return code === undefined ? message : (REASONS[code] ?? code);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is not a folder',
  ENOSPC: 'no space is left on the device',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
  EINVAL: 'not a path that can be used (EINVAL)',
};

function readKnown(fd: number, path: string, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  while (at < sizeBytes) {
    const count = attempt(path, 'read', () => readSync(fd, bytes, at, sizeBytes - at, null));
    if (count === 0) break;
    at += count;
  }
  return at === sizeBytes ? bytes : bytes.slice(0, at);
}

function readToEnd(fd: number, path: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let total = 0; ; ) {
    const part = new Uint8Array(READ_BYTES);
    const count = attempt(path, 'read', () => readSync(fd, part, 0, READ_BYTES, null));
    if (count === 0) return Buffer.concat(parts);
    total += count;
    if (total > FILE_BYTES_MAX) throw tooLarge(path, `more than ${FILE_BYTES_MAX}`);
    parts.push(part.subarray(0, count));
  }
}

function tooLarge(path: string, size: string): ParatraceError {
  return new ParatraceError('file.too-large', `it has ${size} bytes; at most ${FILE_BYTES_MAX} can be read`, {
    file: path,
  });
}

/** Device and file number: the same for all names of a file. Undefined if there is none yet. */
function identity(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? `${stat.dev} ${stat.ino}` : undefined;
}
