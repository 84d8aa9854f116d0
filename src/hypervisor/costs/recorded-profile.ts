/**
 * The cost profile as a trace keeps it: the prices, which are all that a replay charges by, without the texts that say where each comes
 * from. Those of a profile of the package are found again by its name; what a user says of the own machine is kept with the price.
 */
import { ParatraceError } from '../../errors.ts';
import type { CostFact, ExitCost } from './cost-fact.ts';
import { COST_PROFILE_NAMES, type CostProfile, costProfile } from './cost-profile.ts';
import { COST_PRIMITIVE_NAMES, type CostPrimitive } from './primitives.ts';
import { type JsonMap, shown, ValueReader } from './value-reader.ts';

/** Cycles of entry, handling and return; then what the user says of them, where the user set any. */
export type RecordedPrice = readonly [entry: number, handling: number, back: number, source?: string];

/** A cost profile in the header of a trace: JSON values. */
export interface RecordedCosts {
  readonly name: string;
  readonly about?: string;
  readonly extends?: string;
  readonly isa: string;
  readonly clockMhz: number | null;
  readonly primitives: Readonly<Record<CostPrimitive, RecordedPrice>>;
}

/** A profile as it is recorded. */
export function toRecordedCosts({ name, about, extends: base, isa, clockMhz, primitives }: CostProfile): RecordedCosts {
  const prices = COST_PRIMITIVE_NAMES.map((primitive) => [primitive, toPrice(primitives[primitive])]);
  return {
    name,
    ...(about !== undefined && { about }),
    ...(base !== undefined && { extends: base }),
    isa,
    clockMhz,
    primitives: Object.fromEntries(prices) as RecordedCosts['primitives'],
  };
}

/**
 * The profile of a trace header: all of its prices, whoever made it. Where they come from is what this version knows of a profile of
 * that name, if it has the same price; else that it was recorded.
 * @param name what the configuration calls it
 * @throws ParatraceError `trace.machine` for one that this version cannot charge by, or that has another name.
 */
export function recordedProfile(header: unknown, name: string): CostProfile {
  const values = new ValueReader(
    (message) => new ParatraceError('trace.machine', `the cost profile of the trace: ${message}`),
  );
  const map = values.map(header, 'it');
  if (map.name !== name) throw values.error(`it is ${shown(map.name)}, but the run is said to use ${shown(name)}`);
  const given = values.map(map.primitives, '`primitives`');
  const known = knownProfile(map);
  const primitives = Object.fromEntries(
    COST_PRIMITIVE_NAMES.map((primitive) => [
      primitive,
      readPrice(values, given[primitive], `\`primitives.${primitive}\``, known?.primitives[primitive]),
    ]),
  ) as Record<CostPrimitive, ExitCost>;
  return {
    name,
    ...(map.about !== undefined && { about: values.text(map.about, '`about`') }),
    ...(map.extends !== undefined && { extends: values.text(map.extends, '`extends`') }),
    isa: values.text(map.isa, '`isa`'),
    clockMhz: map.clockMhz === null ? null : values.clock(map.clockMhz),
    primitives,
    published: {},
  };
}

const PARTS = ['entry', 'handling', 'return'] as const;

function toPrice(cost: ExitCost): RecordedPrice {
  const cycles = PARTS.map((part) => cost[part].cycles) as [number, number, number];
  const given = PARTS.map((part) => cost[part]).find(({ status }) => status === 'U');
  return given === undefined ? cycles : [...cycles, given.source];
}

/** The profile of this version that the recorded one is, or started from. */
function knownProfile({ name, extends: base }: JsonMap): CostProfile | undefined {
  const known = COST_PROFILE_NAMES.find((one) => one === (base ?? name));
  return known === undefined ? undefined : costProfile(known);
}

function readPrice(values: ValueReader, value: unknown, where: string, known: ExitCost | undefined): ExitCost {
  if (!Array.isArray(value) || value.length < PARTS.length) {
    throw values.error(`${where} is ${shown(value)}; it must be a list of ${PARTS.length} numbers of cycles`);
  }
  const source = value[PARTS.length] === undefined ? 'recorded in the trace' : values.text(value[PARTS.length], where);
  const [entry, handling, back] = PARTS.map((part, index): CostFact => {
    const cycles = values.cycles(value[index], `${where}, ${part},`);
    return known?.[part].cycles === cycles ? known[part] : { cycles, status: 'U', source };
  }) as [CostFact, CostFact, CostFact];
  const cost = { entry, handling, return: back };
  const isKnown = known?.whole !== undefined && PARTS.every((part) => cost[part] === known[part]);
  return isKnown ? { ...cost, whole: known.whole } : cost;
}
