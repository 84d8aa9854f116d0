/**
 * Cost profiles from outside: the JSON file of a user, and the profile that a trace was recorded with. Both are checked value by value,
 * so that what comes out can be charged. `docs/costs.md` documents the file.
 */
import { ParatraceError } from '../../errors.ts';
import { COST_STATUSES, type CostFact, type ExitCost } from './cost-fact.ts';
import { COST_PROFILE_NAMES, type CostProfile, costProfile } from './cost-profile.ts';
import { COST_PRIMITIVE_NAMES, COST_PRIMITIVES, type CostPrimitive } from './primitives.ts';

/** Most that one part may cost: a second and more of any machine. */
export const PART_CYCLES_MAX = 1_000_000_000;
/** Largest file, in UTF-16 code units. */
export const PROFILE_TEXT_MAX = 1 << 20;

const PARTS = ['entry', 'handling', 'return'] as const;
const PROFILE_KEYS = ['name', 'extends', 'about', 'isa', 'clockMhz', 'primitives'] as const;
const PRIMITIVE_KEYS = [...PARTS, 'source'] as const;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const TEXT_MAX = 500;

type JsonMap = Readonly<Record<string, unknown>>;

/**
 * The profile that a user wrote: a base profile with other prices.
 * @param text JSON
 * @param file its name, for errors; without its folder and `.json` it names a profile that does not name itself
 * @throws ParatraceError `costs.profile` for what is not valid, with the place in the file.
 */
export function parseUserProfile(text: string, file: string): CostProfile {
  const reader = new ProfileReader((message) => new ParatraceError('costs.profile', message, { file }));
  return reader.userProfile(reader.json(text), file);
}

/**
 * The profile of a trace header: all of it, whoever made it.
 * @param name what the configuration calls it
 * @throws ParatraceError `trace.machine` for one that this version cannot charge by, or that has another name.
 */
export function recordedProfile(header: unknown, name: string): CostProfile {
  const reader = new ProfileReader(
    (message) => new ParatraceError('trace.machine', `the cost profile of the trace: ${message}`),
  );
  return reader.recorded(header, name);
}

class ProfileReader {
  readonly #error: (message: string) => ParatraceError;

  constructor(error: (message: string) => ParatraceError) {
    this.#error = error;
  }

  json(text: string): unknown {
    if (text.length > PROFILE_TEXT_MAX) throw this.#error(`it is longer than ${PROFILE_TEXT_MAX} characters`);
    try {
      return JSON.parse(text);
    } catch (error) {
      throw this.#error(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  userProfile(value: unknown, file: string): CostProfile {
    const map = this.#map(value, 'the profile', PROFILE_KEYS);
    const base = this.#base(map.extends);
    const name = this.#name(map.name ?? file.replace(/^.*[/\\]/, '').replace(/\.json$/, ''));
    const given = map.primitives === undefined ? {} : this.#map(map.primitives, '`primitives`', COST_PRIMITIVE_NAMES);
    const primitives = Object.fromEntries(
      COST_PRIMITIVE_NAMES.map((primitive) => {
        const price = given[primitive];
        const { [primitive]: inherited } = base.primitives;
        return [primitive, price === undefined ? inherited : this.#price(primitive, price, inherited, name)];
      }),
    ) as Record<CostPrimitive, ExitCost>;
    return {
      ...base,
      name,
      extends: base.name,
      ...(map.about !== undefined && { about: this.#text(map.about, '`about`') }),
      ...(map.isa !== undefined && { isa: this.#text(map.isa, '`isa`') }),
      ...(map.clockMhz !== undefined && { clockMhz: this.#clock(map.clockMhz) }),
      primitives,
    };
  }

  recorded(value: unknown, name: string): CostProfile {
    const map = this.#map(value, 'it');
    if (map.name !== name) throw this.#error(`it is ${shown(map.name)}, but the run is said to use ${shown(name)}`);
    const given = this.#map(map.primitives, '`primitives`');
    const primitives = Object.fromEntries(
      COST_PRIMITIVE_NAMES.map((primitive) => {
        const where = `primitives.${primitive}`;
        const cost = this.#map(given[primitive], `\`${where}\``);
        const [entry, handling, back] = PARTS.map((part) => this.#fact(cost[part], `\`${where}.${part}\``));
        return [primitive, { entry, handling, return: back }];
      }),
    ) as Record<CostPrimitive, ExitCost>;
    return {
      name,
      isa: this.#text(map.isa, '`isa`'),
      clockMhz: map.clockMhz === null ? null : this.#clock(map.clockMhz),
      primitives,
      published: {},
    };
  }

  #base(name: unknown): CostProfile {
    if (name === undefined) {
      throw this.#error(
        `\`extends\` is missing: it names the profile to start from, one of ${COST_PROFILE_NAMES.join(', ')}`,
      );
    }
    if (typeof name !== 'string' || !COST_PROFILE_NAMES.includes(name)) {
      throw this.#error(`\`extends\` is ${shown(name)}; it must be one of ${COST_PROFILE_NAMES.join(', ')}`);
    }
    return costProfile(name);
  }

  #name(value: unknown): string {
    if (typeof value !== 'string' || !NAME.test(value)) {
      throw this.#error(
        `the name ${shown(value)} must begin with a letter or digit and have up to 64 letters, digits, \`.\`, \`_\` and \`-\`; set \`name\``,
      );
    }
    if (COST_PROFILE_NAMES.includes(value)) {
      throw this.#error(`the name \`${value}\` is that of a profile of the package; set another \`name\``);
    }
    return value;
  }

  #price(primitive: CostPrimitive, value: unknown, base: ExitCost, profile: string): ExitCost {
    const where = `\`primitives.${primitive}\``;
    const map = this.#map(value, where, PRIMITIVE_KEYS);
    if (PARTS.every((part) => map[part] === undefined)) {
      throw this.#error(`${where} has none of ${PARTS.join(', ')}`);
    }
    const source = map.source === undefined ? `given by ${profile}` : this.#text(map.source, `${where}.source`);
    const part = (name: (typeof PARTS)[number]): CostFact => {
      const cycles = map[name];
      if (cycles === undefined) return base[name];
      if (name !== 'handling' && COST_PRIMITIVES[primitive].kind === 'work') {
        throw this.#error(
          `${where} is work while an exit is handled anyway, so it has \`handling\` but no \`${name}\``,
        );
      }
      return { cycles: this.#cycles(cycles, `\`primitives.${primitive}.${name}\``), status: 'U', source };
    };
    return { entry: part('entry'), handling: part('handling'), return: part('return') };
  }

  #fact(value: unknown, where: string): CostFact {
    const { cycles, status, source } = this.#map(value, where);
    const known = COST_STATUSES.find((name) => name === status);
    if (known === undefined) throw this.#error(`the status of ${where} is ${shown(status)}`);
    return { cycles: this.#cycles(cycles, where), status: known, source: this.#text(source, `the source of ${where}`) };
  }

  #cycles(value: unknown, where: string): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= PART_CYCLES_MAX) return value;
    throw this.#error(`${where} is ${shown(value)}; cycles are a whole number from 0 to ${PART_CYCLES_MAX}`);
  }

  #clock(value: unknown): number {
    if (typeof value === 'number' && value > 0 && value <= 1_000_000) return value;
    throw this.#error(`\`clockMhz\` is ${shown(value)}; it is a number of MHz above 0, up to 1000000`);
  }

  #text(value: unknown, where: string): string {
    if (typeof value === 'string' && value !== '' && value.length <= TEXT_MAX) return value;
    throw this.#error(`${where} is ${shown(value)}; it must be a text of 1 to ${TEXT_MAX} characters`);
  }

  /** @param keys all that may be in it; anything if not given */
  #map(value: unknown, where: string, keys?: readonly string[]): JsonMap {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.#error(`${where} is ${shown(value)}; it must be an object`);
    }
    for (const key of keys === undefined ? [] : Object.keys(value)) {
      if (!keys?.includes(key))
        throw this.#error(`unknown key ${shown(key)} in ${where}; the keys are ${keys?.join(', ')}`);
    }
    return value as JsonMap;
  }
}

/** A value as it is quoted in an error: JSON, cut short. */
function shown(value: unknown): string {
  const text = value === undefined ? 'missing' : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
