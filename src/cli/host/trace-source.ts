/** Trace files as sources of bytes: small ones are read at once, of large ones only what is asked for, so that memory stays bounded. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { ParatraceError } from '../../errors.ts';
import { type ByteSource, memorySource } from '../../trace/byte-source.ts';
import { attempt, PARTIAL_SUFFIX, readFile } from './files.ts';

/** Files up to this lie in memory as a whole. */
const IN_MEMORY_BYTES_MAX = 32 * 2 ** 20;
/** What is read at once: frames are small and lie behind each other. */
const WINDOW_BYTES = 256 * 1024;

/**
 * The bytes of a file, or of a pipe that ends.
 * @param inMemoryBytesMax largest file that is read at once
 * @throws ParatraceError `file.unreadable`, and `file.too-large` for a pipe.
 */
export function traceSource(path: string, inMemoryBytesMax = IN_MEMORY_BYTES_MAX): ByteSource {
  const partial = `${path}${PARTIAL_SUFFIX}`;
  if (!existsSync(path) && existsSync(partial)) {
    const message = `it is not complete: what was recorded before its recording ended is in \`${partial}\``;
    throw new ParatraceError('file.unreadable', message, { file: path });
  }
  const fd = attempt(path, 'opened', () => openSync(path, 'r'));
  const stat = fstatSync(fd);
  if (stat.isFile() && stat.size > inMemoryBytesMax) return new FileSource(fd, path, stat.size);
  closeSync(fd);
  return memorySource(readFile(path));
}

/** Stays open until the process ends: a verb reads one trace, or two. */
class FileSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #fd: number;
  readonly #path: string;
  #window = new Uint8Array();
  #windowOffset = 0;

  constructor(fd: number, path: string, sizeBytes: number) {
    this.#fd = fd;
    this.#path = path;
    this.sizeBytes = sizeBytes;
  }

  read(offset: number, lengthBytes: number): Uint8Array {
    let at = offset - this.#windowOffset;
    if (at < 0 || at + lengthBytes > this.#window.length) {
      const wanted = Math.max(lengthBytes, Math.min(WINDOW_BYTES, this.sizeBytes - offset));
      this.#window = this.#readAt(offset, wanted);
      this.#windowOffset = offset;
      at = 0;
    }
    return this.#window.subarray(at, at + lengthBytes);
  }

  /** A new array each time: what was given out stays as it is. */
  #readAt(offset: number, lengthBytes: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(lengthBytes);
    for (let done = 0; done < lengthBytes; ) {
      const count = attempt(this.#path, 'read', () =>
        readSync(this.#fd, bytes, done, lengthBytes - done, offset + done),
      );
      if (count === 0) throw new ParatraceError('file.unreadable', 'it became shorter', { file: this.#path });
      done += count;
    }
    return bytes;
  }
}
