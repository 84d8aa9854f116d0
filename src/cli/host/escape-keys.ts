/**
 * What typed keys mean on a raw terminal: almost all go to the guest. Ctrl-C ends the run; Ctrl-A begins a command, as in other
 * emulators: `x` ends the run, `m` sets a mark, `c` types Ctrl-C, `a` types Ctrl-A, `h` shows this.
 */
const CTRL_A = 0x01;
const CTRL_C = 0x03;

export const ESCAPE_HELP =
  'Ctrl-A x or Ctrl-C: end the run; Ctrl-A m: set a mark; Ctrl-A c: type Ctrl-C; Ctrl-A a: type Ctrl-A; Ctrl-A h: this help';

export interface KeyHandlers {
  /** Bytes for the guest. */
  readonly typed: (bytes: Uint8Array) => void;
  readonly quit: () => void;
  /** The user names this place. */
  readonly mark: () => void;
  readonly help: () => void;
}

export class EscapeKeys {
  readonly #handlers: KeyHandlers;
  #escaped = false;

  constructor(handlers: KeyHandlers) {
    this.#handlers = handlers;
  }

  /** Takes what was typed. A command may be split over two calls. */
  take(bytes: Uint8Array): void {
    const typed: number[] = [];
    for (const byte of bytes) {
      if (!this.#escaped && byte === CTRL_A) this.#escaped = true;
      else if (this.#escaped) this.#command(byte, typed);
      else if (byte === CTRL_C) this.#handlers.quit();
      else typed.push(byte);
    }
    if (typed.length > 0) this.#handlers.typed(Uint8Array.from(typed));
  }

  #command(byte: number, typed: number[]): void {
    this.#escaped = false;
    switch (String.fromCharCode(byte)) {
      case 'x':
        this.#handlers.quit();
        break;
      case 'm':
        this.#handlers.mark();
        break;
      case 'c':
        typed.push(CTRL_C);
        break;
      case 'a':
      case '\x01':
        typed.push(CTRL_A);
        break;
      case 'h':
      case '?':
        this.#handlers.help();
        break;
      default:
        typed.push(byte);
    }
  }
}
