/**
 * Console input of a paravirtual guest that has bound `VIRQ_CONSOLE`: it is taken when it comes, the guest is sent an event, and reads it by
 * `console_io`. Without the port nothing is taken before the guest asks.
 */

import { must } from '../../assert.ts';
import type { Stateful, StateSink } from '../../machine/state-sink.ts';
import type { Receiver } from '../console-input.ts';
import type { EventChannels } from './event-channels.ts';

/** Name in events. */
const NAME = 'pv-console';
/** Most bytes taken at once; more comes when the guest has read them. */
const BUFFER_BYTES = 1024;

export interface PvConsoleOptions {
  readonly events: EventChannels;
  /** Charges and tells of an event that is sent to the guest. */
  readonly raised: (source: string, port: number) => void;
}

export class PvConsole implements Receiver {
  readonly port = 'dbcn';
  readonly #options: PvConsoleOptions;
  #taken = new Uint8Array();

  constructor(options: PvConsoleOptions) {
    this.#options = options;
  }

  readonly armedBytes = (): number =>
    this.#taken.length === 0 && this.#options.events.consolePort !== undefined ? BUFFER_BYTES : 0;

  readonly receive = (bytes: Uint8Array): void => {
    this.#taken = Uint8Array.from(bytes);
    const { events, raised } = this.#options;
    const port = must(events.consolePort, 'a port of a receiver that is armed');
    raised(NAME, port);
    events.raise(port);
  };

  /** Undefined if nothing was taken. */
  take(maxBytes: number): Uint8Array | undefined {
    if (this.#taken.length === 0) return undefined;
    const bytes = this.#taken.subarray(0, maxBytes);
    this.#taken = this.#taken.slice(maxBytes);
    return bytes;
  }

  /** Writes the state of a domain and of its console, which has none while nothing is taken. */
  writeStateBeside(domain: Stateful, sink: StateSink): void {
    if (this.#taken.length === 0) {
      domain.writeState(sink);
      return;
    }
    sink.state('domain', domain);
    sink.begin('console');
    sink.value('taken', [...this.#taken]);
    sink.end();
  }
}
