/** Where console input comes from: a file, standard input as a whole, or standard input as it comes. */
import { LiveInput, NoInput, ScriptInput } from '../../session/inputs.ts';
import { MarkedInput, type WantedMark } from '../../session/marks.ts';
import type { InputSource } from '../../session/ports.ts';
import { ESCAPE_HELP, EscapeKeys } from './escape-keys.ts';
import { readFile } from './files.ts';
import type { Host } from './host.ts';

/** An input source, and for a live one how the host fills it. */
export interface HostInput {
  readonly source: InputSource;
  /** Whether there is something that the guest has not been offered yet. */
  hasNews(): boolean;
  /** Begins to listen. */
  open(handlers: HostInputHandlers): void;
  close(): void;
}

export interface HostInputHandlers {
  /** Something came. */
  readonly news: () => void;
  /** The user asked on the keyboard to end the run. */
  readonly quit: () => void;
  readonly say: (line: string) => void;
}

/**
 * @param stdin of `--stdin`: a file, `-`, or nothing.
 * @param marks that the user asked for beforehand
 * @throws ParatraceError `file.unreadable` or `file.too-large`.
 */
export async function hostInput(
  host: Host,
  stdin: string | undefined,
  marks: readonly WantedMark[] = [],
): Promise<HostInput> {
  const input = await inputOf(host, stdin);
  return marks.length === 0 ? input : { ...input, source: new MarkedInput(input.source, marks) };
}

async function inputOf(host: Host, stdin: string | undefined): Promise<HostInput> {
  // A file on standard input is all there: fed as the guest asks, so that recording twice gives the same bytes.
  const whole = stdin === '-' || (stdin === undefined && host.stdin.kind === 'file');
  if (whole) return fixed(new ScriptInput(await host.stdin.readAll()));
  if (stdin !== undefined) return fixed(new ScriptInput(readFile(stdin)));
  return host.stdin.kind === 'none' ? fixed(new NoInput()) : live(host);
}

function fixed(source: InputSource): HostInput {
  return { source, hasNews: () => false, open: () => {}, close: () => {} };
}

function live(host: Host): HostInput {
  const source = new LiveInput();
  let marks = 0;
  return {
    source,
    hasNews: () => source.hasNews,
    open: ({ news, quit, say }) => {
      const offer = (bytes: Uint8Array) => {
        source.offer(bytes);
        news();
      };
      const mark = () => {
        marks += 1;
        source.offerMark(`key-${marks}`);
        say(`paratrace: mark key-${marks}`);
        news();
      };
      const keys = new EscapeKeys({ typed: offer, quit, mark, help: () => say(ESCAPE_HELP) });
      host.stdin.open({
        data: host.stdin.kind === 'terminal' ? (bytes) => keys.take(bytes) : offer,
        end: () => {
          source.close();
          news();
        },
      });
    },
    close: () => host.stdin.close(),
  };
}
