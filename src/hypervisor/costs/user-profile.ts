/**
 * Cost profiles from a JSON file of a user, checked value by value, so that what comes out can be charged. `docs/costs.md` documents
 * the file.
 */
import { ParatraceError } from '../../errors.ts';
import type { CostFact, ExitCost } from './cost-fact.ts';
import { COST_PROFILE_NAMES, type CostProfile, costProfile } from './cost-profile.ts';
import { COST_PRIMITIVE_NAMES, COST_PRIMITIVES, type CostPrimitive } from './primitives.ts';
import { shown, ValueReader } from './value-reader.ts';

/** Largest file, in UTF-16 code units. */
export const PROFILE_TEXT_MAX = 1 << 20;

const PARTS = ['entry', 'handling', 'return'] as const;
const PROFILE_KEYS = ['name', 'extends', 'about', 'isa', 'clockMhz', 'primitives'] as const;
const PRIMITIVE_KEYS = [...PARTS, 'source'] as const;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

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

class ProfileReader extends ValueReader {
  json(text: string): unknown {
    if (text.length > PROFILE_TEXT_MAX) throw this.error(`it is longer than ${PROFILE_TEXT_MAX} characters`);
    try {
      return JSON.parse(text);
    } catch (error) {
      throw this.error(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  userProfile(value: unknown, file: string): CostProfile {
    const map = this.map(value, 'the profile', PROFILE_KEYS);
    const base = this.#base(map.extends);
    const name = this.#name(map.name ?? file.replace(/^.*[/\\]/, '').replace(/\.json$/, ''));
    const given = map.primitives === undefined ? {} : this.map(map.primitives, '`primitives`', COST_PRIMITIVE_NAMES);
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
      ...(map.about !== undefined && { about: this.text(map.about, '`about`') }),
      ...(map.isa !== undefined && { isa: this.text(map.isa, '`isa`') }),
      ...(map.clockMhz !== undefined && { clockMhz: this.clock(map.clockMhz) }),
      primitives,
    };
  }

  #base(name: unknown): CostProfile {
    if (name === undefined) {
      throw this.error(
        `\`extends\` is missing: it names the profile to start from, one of ${COST_PROFILE_NAMES.join(', ')}`,
      );
    }
    if (typeof name !== 'string' || !COST_PROFILE_NAMES.includes(name)) {
      throw this.error(`\`extends\` is ${shown(name)}; it must be one of ${COST_PROFILE_NAMES.join(', ')}`);
    }
    return costProfile(name);
  }

  #name(value: unknown): string {
    if (typeof value !== 'string' || !NAME.test(value)) {
      throw this.error(
        `the name ${shown(value)} must begin with a letter or digit and have up to 64 letters, digits, \`.\`, \`_\` and \`-\`; set \`name\``,
      );
    }
    if (COST_PROFILE_NAMES.includes(value)) {
      throw this.error(`the name \`${value}\` is that of a profile of the package; set another \`name\``);
    }
    return value;
  }

  #price(primitive: CostPrimitive, value: unknown, base: ExitCost, profile: string): ExitCost {
    const where = `\`primitives.${primitive}\``;
    const map = this.map(value, where, PRIMITIVE_KEYS);
    if (PARTS.every((part) => map[part] === undefined)) {
      throw this.error(`${where} has none of ${PARTS.join(', ')}`);
    }
    const source = map.source === undefined ? `given by ${profile}` : this.text(map.source, `${where}.source`);
    const part = (name: (typeof PARTS)[number]): CostFact => {
      const cycles = map[name];
      if (cycles === undefined) return base[name];
      if (name !== 'handling' && COST_PRIMITIVES[primitive].kind === 'work') {
        throw this.error(`${where} is work while an exit is handled anyway, so it has \`handling\` but no \`${name}\``);
      }
      return { cycles: this.cycles(cycles, `\`primitives.${primitive}.${name}\``), status: 'U', source };
    };
    return { entry: part('entry'), handling: part('handling'), return: part('return') };
  }
}
