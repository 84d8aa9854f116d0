/** Texts that come for the first time: by their place in the preset dictionary, or spelled. */
import { DICTIONARY_TEXTS } from '../dictionary.ts';
import { MalformedError } from '../messagepack.ts';
import { LIMITS } from '../schema.ts';
import { contextOf } from './hash.ts';
import type { NumberModel } from './number-model.ts';

/** Numbers of fields for the number model. */
export const NAME_FIELD = { isPreset: 16, preset: 17, length: 18, byte: 19 } as const;

const PLACES: ReadonlyMap<string, number> = new Map(DICTIONARY_TEXTS.map((text, place) => [text, place]));
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class NameModel {
  readonly #numbers: NumberModel;
  readonly #names: string[];
  /** Names that have come. */
  count = 0;
  #place = 0;
  #spelledBytes = 0;

  /** @param names to be written; where they are read, a list that grows */
  constructor(numbers: NumberModel, names: string[]) {
    this.#numbers = numbers;
    this.#names = names;
  }

  /** The name of a number has come: codes it if it is the next one. Throws {@link MalformedError}. */
  expect(number: bigint): void {
    if (number > BigInt(this.count)) throw new MalformedError('a name that there is not');
    if (number < BigInt(this.count)) return;
    const known = this.#names[this.count];
    this.#names[this.count] = this.#code(known ?? '');
    this.count += 1;
  }

  #code(name: string): string {
    const place = PLACES.get(name);
    const isPreset = this.#numbers.code(place === undefined ? 0n : 1n, NAME_FIELD.isPreset, [1n], []) === 1n;
    if (!isPreset) return this.#spell(name);
    const next = BigInt(this.#place + 1);
    const coded = this.#numbers.code(BigInt(place ?? 0), NAME_FIELD.preset, [next], [], BigInt(this.#place));
    const text = coded < BigInt(DICTIONARY_TEXTS.length) ? DICTIONARY_TEXTS[Number(coded)] : undefined;
    if (text === undefined) throw new MalformedError('a name beyond the dictionary');
    this.#place = Number(coded);
    return text;
  }

  #spell(name: string): string {
    const bytes = new TextEncoder().encode(name);
    const length = this.#numbers.code(BigInt(bytes.length), NAME_FIELD.length, [], []);
    this.#spelledBytes += Number(length);
    if (this.#spelledBytes > LIMITS.modelledNameBytes) throw new MalformedError('names are too long for their coding');
    const coded = new Uint8Array(Number(length));
    let last = 0n;
    for (let at = 0; at < coded.length; at += 1) {
      last = this.#numbers.code(BigInt(bytes[at] ?? 0), NAME_FIELD.byte, [], [contextOf(last)]);
      coded[at] = Number(last & 0xffn);
    }
    try {
      return utf8.decode(coded);
    } catch {
      throw new MalformedError('text that is not UTF-8');
    }
  }
}

/** Length in UTF-8 of the names that have to be spelled. */
export function spelledBytes(names: readonly string[]): number {
  const spelled = names.filter((name) => !PLACES.has(name));
  return spelled.reduce((sum, name) => sum + new TextEncoder().encode(name).length, 0);
}
