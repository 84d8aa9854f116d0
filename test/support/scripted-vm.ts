/** A session on a scripted machine, with everything that it tells. */
import type { EventKind, EventOf, VmEvent } from '../../src/hypervisor/events.ts';
import type { RunConfig } from '../../src/session/config.ts';
import { NoInput } from '../../src/session/inputs.ts';
import type { InputRecord, InputSource, RunEnd, StateDigest } from '../../src/session/ports.ts';
import { Session } from '../../src/session/session.ts';
import { ScriptedMachine, type Scripts } from './scripted-machine.ts';

export const TEST_CONFIG: RunConfig = {
  mode: 'pvh',
  costs: 'rocket-kvm-2023',
  core: 'rocket',
  hartCount: 1,
  memoryBytes: 4 * 2 ** 20,
  append: '',
  entry: 's',
  seed: 'test',
  quantumCycles: 10_000,
  digestIntervalCycles: 10_000_000,
  maxCycles: 50_000_000,
  rtcEpochSeconds: 0,
  misaligned: 'hardware',
  adUpdate: 'hardware',
  guest: { name: 'script', sizeBytes: 4, sha256: '' },
  initrd: undefined,
  drives: [],
};

export interface Told {
  readonly events: VmEvent[];
  readonly inputs: InputRecord[];
  readonly digests: StateDigest[];
  readonly ends: RunEnd[];
  /** Console output by stream. */
  readonly output: Record<string, string>;
}

export interface ScriptedSession extends Told {
  readonly session: Session;
  readonly machine: ScriptedMachine;
}

export function scriptedSession(
  scripts: Scripts,
  changes: Partial<RunConfig> = {},
  input: InputSource = new NoInput(),
  drives: readonly Uint8Array[] = [],
): ScriptedSession {
  const told: Told = { events: [], inputs: [], digests: [], ends: [], output: {} };
  const machines: ScriptedMachine[] = [];
  const session = new Session(
    { ...TEST_CONFIG, ...changes },
    { guest: Uint8Array.of(0x01, 0xa0, 0x01, 0xa0), initrd: undefined, drives },
    {
      input,
      observer: {
        event: (event) => void told.events.push(event),
        input: (record) => void told.inputs.push(record),
        digest: (digest) => void told.digests.push(digest),
        end: (end) => void told.ends.push(end),
      },
      console: {
        write: (stream, bytes) => {
          told.output[stream] = (told.output[stream] ?? '') + String.fromCharCode(...bytes);
        },
      },
    },
    (config) => {
      const machine = new ScriptedMachine(config, scripts);
      machines.push(machine);
      return machine;
    },
  );
  const [machine] = machines;
  if (machine === undefined) throw new Error('the session makes a machine');
  return { ...told, session, machine };
}

/** Runs to the end, or until the guest needs input. */
export function runToEnd(run: ScriptedSession): RunEnd | undefined {
  run.session.run(Number.MAX_SAFE_INTEGER);
  return run.session.end;
}

/** The events of one kind. */
export function eventsOf<K extends EventKind>(told: Told, kind: K): EventOf<K>[] {
  return told.events.filter((event) => event.kind === kind) as VmEvent[] as EventOf<K>[];
}
