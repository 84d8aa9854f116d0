/** What an expectation about a trace is given: its bytes, or the path of its file. */
import { readFile } from '../host/files.ts';

/** @throws TypeError for anything else */
export function receivedTrace(received: unknown): Uint8Array {
  if (received instanceof Uint8Array) return received;
  if (typeof received === 'string') return readFile(received);
  throw new TypeError(`expected the bytes of a trace (a Uint8Array) or the path of one, got ${typeof received}`);
}
