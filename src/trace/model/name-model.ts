/** Texts that come for the first time: by their place in the preset dictionary, or spelled. */
import { DICTIONARY_TEXTS } from '../dictionary.ts';
import { MalformedError } from '../messagepack.ts';
import { LIMITS } from '../schema.ts';
import { withWord } from './hash.ts';
import type { NumberModel } from './number-model.ts';
import { ONE, toNumber, type Word, wordOf, ZERO } from './word.ts';

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
  expect(word: Word): void {
    const number = toNumber(word);
    if (number > this.count) throw new MalformedError('a name that there is not');
    if (number < this.count) return;
    const known = this.#names[this.count];
    this.#names[this.count] = this.#code(known ?? '');
    this.count += 1;
  }

  #code(name: string): string {
    const place = PLACES.get(name);
    const isPreset = this.#numbers.code(place === undefined ? ZERO : ONE, NAME_FIELD.isPreset, [ONE], []);
    if (toNumber(isPreset) !== 1) return this.#spell(name);
    const next = wordOf(this.#place + 1);
    const coded = toNumber(this.#numbers.code(wordOf(place ?? 0), NAME_FIELD.preset, [next], [], wordOf(this.#place)));
    const text = DICTIONARY_TEXTS[coded];
    if (text === undefined) throw new MalformedError('a name beyond the dictionary');
    this.#place = coded;
    return text;
  }

  #spell(name: string): string {
    const bytes = new TextEncoder().encode(name);
    const length = toNumber(this.#numbers.code(wordOf(bytes.length), NAME_FIELD.length, [], []));
    this.#spelledBytes += length;
    if (this.#spelledBytes > LIMITS.modelledNameBytes) throw new MalformedError('names are too long for their coding');
    const coded = new Uint8Array(length);
    let last = ZERO;
    for (let at = 0; at < length; at += 1) {
      last = this.#numbers.code(wordOf(bytes[at] ?? 0), NAME_FIELD.byte, [], [withWord(0, last)]);
      coded[at] = last.low;
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
