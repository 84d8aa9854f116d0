/**
 * What two runs are compared in, by aspect: each can be left out (`--ignore`). With nothing left out the comparison is exact. The
 * semantic level leaves out the clocks and prices, and keeps what the guest and its devices did.
 */
import { ParatraceError } from '../../errors.ts';
import type { EventKind } from '../../hypervisor/events.ts';

interface Aspect {
  readonly about: string;
  /** Fields of events, inputs and the end. */
  readonly fields?: readonly string[];
  /** Events that are passed over altogether. */
  readonly kinds?: readonly EventKind[];
}

/** All aspects, in the order of the documentation. */
export const ASPECTS = {
  cycles: {
    about: 'the clock of every event, input and the end; and the digests, because state has clocks in it',
    fields: ['cycle'],
  },
  icount: { about: 'instruction counts; and the digests, because state has them in it', fields: ['icount'] },
  pc: { about: 'where the guest was', fields: ['pc'] },
  costs: {
    about: 'what exits were charged: `entryCycles`, `handlingCycles`, `returnCycles`; and the profiles in the header',
    fields: ['entryCycles', 'handlingCycles', 'returnCycles'],
  },
  arguments: {
    about: 'arguments of hypercalls: `arg0` to `arg5`',
    fields: ['arg0', 'arg1', 'arg2', 'arg3', 'arg4', 'arg5'],
  },
  results: { about: 'what hypercalls and register accesses gave: `error`, `value`', fields: ['error', 'value'] },
  indices: {
    about: 'indices and depth of rings: `availIndex`, `usedIndex`, `head`, `waiting`, `inFlight`',
    fields: ['availIndex', 'usedIndex', 'head', 'waiting', 'inFlight'],
  },
  idle: { about: 'events `idle` and `wake`', kinds: ['idle', 'wake'] },
  turns: { about: 'events `turn`: which hart has the processor', kinds: ['turn'] },
  digests: { about: 'digests of the machine state' },
  header: { about: 'configuration, profiles and images' },
} as const satisfies Record<string, Aspect>;

export type AspectName = keyof typeof ASPECTS;
export const ASPECT_NAMES = Object.keys(ASPECTS) as readonly AspectName[];

/** What the semantic level leaves out. */
export const SEMANTIC_IGNORES: readonly AspectName[] = ['cycles', 'icount', 'pc', 'costs', 'digests'];

/** A list of aspects that are left out, as a comparison uses it. */
export class Ignored {
  readonly names: readonly AspectName[];
  readonly #fields: ReadonlySet<string>;
  readonly kinds: ReadonlySet<EventKind>;

  constructor(names: readonly AspectName[]) {
    this.names = ASPECT_NAMES.filter((name) => names.includes(name));
    const aspects: readonly Aspect[] = this.names.map((name) => ASPECTS[name]);
    this.#fields = new Set(aspects.flatMap(({ fields = [] }) => fields));
    this.kinds = new Set(aspects.flatMap(({ kinds = [] }) => kinds));
  }

  has(aspect: AspectName): boolean {
    return this.names.includes(aspect);
  }

  field(name: string): boolean {
    return this.#fields.has(name);
  }

  /** Digests cover clocks and counters, so that they say nothing where either is left out. */
  get digests(): boolean {
    return this.has('digests') || this.has('cycles') || this.has('icount');
  }
}

/** @throws ParatraceError `usage.option` for a name that is none. */
export function parseAspects(text: string): readonly AspectName[] {
  return text.split(',').map((part) => {
    const name = ASPECT_NAMES.find((known) => known === part.trim());
    if (name !== undefined) return name;
    const message = `--ignore '${part}' is no aspect; they are ${ASPECT_NAMES.join(', ')}`;
    throw new ParatraceError('usage.option', message);
  });
}
