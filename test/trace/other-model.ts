/** The coding `modelled`, read as `docs/trace-format.md` describes it under "Modelled events": no code and no table of `src/trace/`. */
import { readFileSync } from 'node:fs';

const DOCUMENT = readFileSync(new URL('../../docs/trace-format.md', import.meta.url), 'utf8');
const WORD = 2n ** 64n;

/** A column as the tables of the document have it, with its code. */
export interface Column {
  readonly code: number;
  readonly name: string;
  readonly type: string;
}

/** The columns of a kind that have a row per site, and those that have one per event. */
export type ColumnsOf = (kind: bigint, per: 'site' | 'event') => readonly Column[];

export interface ModelledEvent {
  readonly kind: bigint;
  readonly hart: bigint;
  readonly pc: bigint;
  readonly icount: bigint;
  readonly stall: bigint;
  /** By name of the column, places of names resolved. */
  readonly fields: Readonly<Record<string, bigint | string>>;
}

function tableNamed(name: string): string {
  const [, text = ''] = DOCUMENT.match(new RegExp(`<!-- table: ${name} -->\n\n([^]*?)\n\n<!-- end -->`)) ?? [];
  return text;
}

const T = tableNamed('model-logistic').split(', ').map(Number);
const TRUST = tableNamed('model-trust').split(', ').map(Number);
const FIELDS = new Map(
  [...tableNamed('model-fields').matchAll(/^\| `(\w+)` \| (\d+) \|$/gm)].map(([, name = '', field]) => [
    name,
    Number(field),
  ]),
);

const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
const down = Math.floor;

function mix(context: number, word: number): number {
  const x = Math.imul(context ^ word, 0x9e3779b1);
  return x ^ (x >>> 15);
}

function K(...numbers: (bigint | number)[]): number {
  let c = 0;
  for (const number of numbers.map(BigInt)) {
    c = mix(c, Number(BigInt.asIntN(32, number)));
    c = mix(c, Number(BigInt.asIntN(32, number >> 32n)));
  }
  return c;
}

function S(x: number): number {
  if (x > 2047) return 4095;
  if (x < -2047) return 0;
  const k = down(x / 128) + 16;
  const r = x - 128 * down(x / 128);
  return down(((T[k] as number) * (128 - r) + (T[k + 1] as number) * r + 64) / 128);
}

const L = Array.from({ length: 4096 }, (_, p) => {
  for (let x = -2047; x <= 2047; x += 1) if (S(x) >= p) return x;
  return 2047;
});

/** Bits and numbers. */
class Numbers {
  readonly #bytes: Uint8Array;
  #at = 4;
  #first = 0;
  #last = 2 ** 32 - 1;
  #word: number;
  readonly #slots = new Map<number, { probability: number; count: number }>();
  readonly #weights = new Map<string, number>();
  readonly #outcomes = new Map<number, number>();

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#word = [0, 1, 2, 3].reduce((word, at) => word * 256 + (bytes[at] ?? 0), 0);
  }

  #narrow(probability: number): number {
    const m = this.#first + down((this.#last - this.#first) / 4096) * probability;
    const bit = this.#word <= m ? 1 : 0;
    if (bit === 1) this.#last = m;
    else this.#first = m + 1;
    while (down(this.#first / 2 ** 24) === down(this.#last / 2 ** 24)) {
      this.#first = (this.#first % 2 ** 24) * 256;
      this.#last = (this.#last % 2 ** 24) * 256 + 255;
      this.#word = (this.#word % 2 ** 24) * 256 + (this.#bytes[this.#at++] ?? 0);
    }
    return bit;
  }

  #bit(contexts: readonly number[], node: number, set: number): number {
    const inputs = contexts.map((context, place) => {
      const number = mix(mix(context, node), place) & (2 ** 17 - 1);
      const slot = this.#slots.get(number) ?? { probability: 32768, count: 0 };
      this.#slots.set(number, slot);
      const trust = TRUST[Math.min(slot.count, TRUST.length - 1)] as number;
      const input = down(((L[down(slot.probability / 16)] as number) * trust) / 16);
      return { slot, input, key: `${set} ${place}` };
    });
    const weight = (key: string) => this.#weights.get(key) ?? 16000;
    const sum = inputs.reduce((total, { input, key }) => total + input * weight(key), 0);
    const probability = Math.min(Math.max(S(down(sum / 65536)), 1), 4095);
    const bit = this.#narrow(probability);
    const e = 4096 * bit - probability;
    for (const { input, key } of inputs) this.#weights.set(key, weight(key) + down((input * e * 100 + 32768) / 65536));
    for (const { slot } of inputs) {
      const rate = down(655360 / (10 * slot.count + 14));
      if (bit === 1) slot.probability += down(((65535 - slot.probability) * rate) / 65536);
      else slot.probability -= down((slot.probability * rate) / 65536);
      slot.count = Math.min(slot.count + 1, 60);
    }
    return bit;
  }

  number(field: number, candidates: readonly (bigint | undefined)[], xs: readonly number[], base?: bigint): bigint {
    const outcomes = this.#outcomes.get(field) ?? 0;
    let pattern = 1;
    for (const [i, candidate] of candidates.entries()) {
      pattern = 4 * pattern + (candidate === undefined ? 0 : candidates.indexOf(candidate) < i ? 1 : 2);
    }
    const contexts = [K(field), 0, K(field, pattern, outcomes % 256), ...xs.map((x) => mix(K(field), x))];
    const is = (i: number) => this.#bit(contexts, 10000 + 4 * pattern + i, 8 * field + i) === 1;
    const chosen = candidates.findIndex((one, i) => one !== undefined && candidates.indexOf(one) === i && is(i));
    this.#outcomes.set(field, ((outcomes * 8) % 4096) + (chosen < 0 ? 7 : chosen));
    if (chosen >= 0) return candidates[chosen] as bigint;
    const isLess = base !== undefined && this.#bit(contexts, 100, 8 * field + 4) === 1;
    let v = 1;
    for (let bits = 0; bits < 7; bits += 1) v = 2 * v + this.#bit(contexts, 1000 + v, 8 * field + 5);
    const length = v - 128;
    let value = length === 0 ? 0n : 1n;
    let node = 2000 + length;
    for (let bits = 1; bits < length; bits += 1) {
      const bit = this.#bit(contexts, node, 8 * field + 6);
      value = 2n * value + BigInt(bit);
      node = mix(node, bit);
    }
    return base === undefined ? value : BigInt.asUintN(64, isLess ? base - value : base + value);
  }
}

interface Site {
  readonly number: number;
  readonly kind: bigint;
  readonly hart: bigint;
  readonly pc: bigint;
  readonly values: readonly bigint[];
  readonly kin: Site | undefined;
  next: number;
  icount?: bigint;
  wait?: bigint;
  readonly last: (bigint | undefined)[];
  readonly difference: (bigint | undefined)[];
}

/** Events of one chunk. */
export function readModelled(bytes: Uint8Array, columnsOf: ColumnsOf, dictionary: readonly string[]): ModelledEvent[] {
  const numbers = new Numbers(bytes);
  const of = (name: string): number => FIELDS.get(name) as number;
  const count = numbers.number(of('count'), [], []);
  numbers.number(of('first'), [], []);
  const sites: Site[] = [];
  const followers = new Map<number, number>();
  const places = new Map<number, Site>();
  const put = new Map<number, bigint>();
  const presence = new Map<bigint, boolean[]>();
  const lastInKind = new Map<number, bigint>();
  const names: string[] = [];
  let preset = 0n;
  let [s1, s2, s3] = [-1, -1, -1];
  let history = 0;
  let [icount, stall, owed] = [0n, 0n, 0n];
  const events: ModelledEvent[] = [];

  const newName = (): void => {
    if (numbers.number(of('isPreset'), [1n], []) === 1n) {
      preset = numbers.number(of('preset'), [preset + 1n], [], preset);
      names.push(dictionary[Number(preset)] as string);
      return;
    }
    const length = Number(numbers.number(of('length'), [], []));
    let before = 0n;
    const text = Uint8Array.from({ length }, () => {
      before = numbers.number(of('byte'), [], [K(before)]);
      return Number(before);
    });
    names.push(new TextDecoder('utf-8', { ignoreBOM: true }).decode(text));
  };

  const newSite = (last: Site | undefined): Site => {
    const [lastKind, lastPc] = [last?.kind ?? 0n, last?.pc ?? 0n];
    const after = places.get(K(1, lastKind, lastPc));
    const kind = numbers.number(of('kind'), [after?.kind, lastKind], [K(lastKind), K(lastKind, lastPc)]);
    if (!presence.has(kind)) {
      const present = columnsOf(kind, 'event').map(() => numbers.number(of('present'), [1n], []) === 1n);
      presence.set(kind, present);
    }
    const alike = sites.findLast((site) => site.kind === kind);
    const hart = numbers.number(of('hart'), [alike?.hart ?? 0n], []);
    const base = alike?.pc ?? lastPc;
    const pcs = [after?.kind === kind ? after.pc : undefined, lastPc, base];
    const pc = numbers.number(of('pc'), pcs, [K(kind), K(kind, lastKind), K(after === undefined ? 0 : 1)], base);
    const kin = places.get(K(2, kind, pc));
    let c = K(kind);
    const values = columnsOf(kind, 'site').map(({ code, type }, index) => {
      const f = of('ofSite') + code;
      const [g, h] = [kin?.values[index], alike?.values[index]];
      const [again, further] = [put.get(K(f, c)), put.get(K(f, kind, 3))];
      const plus = g === undefined || further === undefined ? undefined : (g + further) % WORD;
      const candidates = type === 'name' ? [g ?? again, again, h, BigInt(names.length)] : [plus, g, again, h];
      const value = numbers.number(f, candidates, [c, K(kind, pc), K(h ?? 0n), K(kind, lastKind)]);
      if (type === 'name' && value === BigInt(names.length)) newName();
      if (g !== undefined) put.set(K(f, kind, 3), BigInt.asUintN(64, value - g));
      put.set(K(f, c), value);
      c = K(c, value);
      return value;
    });
    const site: Site = { number: sites.length, kind, hart, pc, values, kin, next: -1, last: [], difference: [] };
    places.set(K(2, kind, pc), site);
    sites.push(site);
    return site;
  };

  const nextSite = (): Site => {
    const last = sites[s1];
    const keys = [K(3, s1, s2, s3), K(2, s1, s2), K(1, s1)];
    const known = keys.map((key) => followers.get(key));
    const candidates = [...known.map((site) => (site === undefined ? 0n : BigInt(sites.length - site))), 0n];
    const xs = [
      K(s1),
      K(...known.map((site) => (site === undefined ? 0 : 1)), last?.kind ?? 0n),
      keys[0] as number,
      K(last?.kin?.next ?? -1, history),
    ];
    const back = numbers.number(of('site'), candidates, xs);
    history = ((history * 4) % 256) + (back === 0n ? 0 : back === candidates[0] ? 1 : 2);
    const site = back === 0n ? newSite(last) : (sites[sites.length - Number(back)] as Site);
    if (last !== undefined) last.next = site.number;
    for (const key of keys) followers.set(key, site.number);
    places.set(K(1, last?.kind ?? 0n, last?.pc ?? 0n), site);
    return site;
  };

  const stamp = (site: Site): void => {
    const last = sites[s1];
    const like = site.icount !== undefined ? site : site.kin;
    const { kind, pc, number } = site;
    const xs = [
      K(kind),
      K(number),
      K(kind, last?.kind ?? 0n, BigInt.asUintN(64, pc - (last?.pc ?? 0n))),
      K(last?.kind ?? 0n, like?.icount ?? -1n),
    ];
    const step = numbers.number(of('icount'), [like?.icount, 0n], xs);
    const length = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);
    const ys = [K(number, step), K(length(step)), K(length(step), length(like?.wait ?? 0n))];
    const wait = numbers.number(of('wait'), [like?.wait, 0n], ys, 0n);
    icount += step;
    stall = BigInt.asUintN(64, stall + owed + wait);
    const costs = columnsOf(kind, 'site').map(({ name }, index) =>
      /^(entry|handling|return)Cycles$/.test(name) ? (site.values[index] as bigint) : 0n,
    );
    owed = costs.reduce((sum, cost) => sum + cost, signed(wait) < 0n ? -signed(wait) : 0n);
    Object.assign(site, { icount: step, wait });
  };

  const fieldsOf = (site: Site): Record<string, bigint | string> => {
    const { kind, values, last, difference, kin, number } = site;
    let c = K(number);
    const fields: Record<string, bigint | string> = {};
    for (const [index, { name, type }] of columnsOf(kind, 'site').entries()) {
      const value = values[index] as bigint;
      fields[name] = type === 'name' ? (names[Number(value)] as string) : value;
    }
    for (const [index, { code, name, type }] of columnsOf(kind, 'event').entries()) {
      fields[name] = 0n;
      if (presence.get(kind)?.[index] !== true) continue;
      const f = of('ofEvent') + code;
      const own = last[index];
      const like = own ?? kin?.last[index] ?? 0n;
      const inKind = lastInKind.get(K(f, kind));
      const further = put.get(K(f, kind, 2));
      const sum = (a: bigint | undefined, b: bigint | undefined) =>
        a === undefined || b === undefined ? undefined : (a + b) % WORD;
      const candidates = [like, sum(own, difference[index]) ?? sum(inKind, further), put.get(K(f, c))];
      const xs = [K(number), K(kind, values.at(-1) ?? 0n), c, K(like)];
      const value = numbers.number(f, candidates, xs, own !== undefined && own > 255n ? own : undefined);
      if (own !== undefined) difference[index] = BigInt.asUintN(64, value - own);
      if (inKind !== undefined) put.set(K(f, kind, 2), BigInt.asUintN(64, value - inKind));
      put.set(K(f, c), value);
      lastInKind.set(K(f, kind), value);
      last[index] = value;
      c = K(c, value);
      fields[name] = type === 'i64' ? signed(value) : value;
    }
    return fields;
  };

  for (let event = 0n; event < count; event += 1n) {
    const site = nextSite();
    stamp(site);
    const { kind, hart, pc } = site;
    events.push({ kind, hart, pc, icount, stall, fields: fieldsOf(site) });
    [s1, s2, s3] = [site.number, s1, s2];
  }
  return events;
}
