/**
 * Runs before every test file: properties of fast-check start from a fixed seed, so that a run of the tests is the same as the one
 * before. `PARATRACE_SEED`, an integer or any text, is another one. fast-check prints the integer when a property fails.
 */
import fc from 'fast-check';

const SEED_DEFAULT = 20_261_122;

fc.configureGlobal({ seed: seedOf(process.env.PARATRACE_SEED) });

/** An integer of 32 bits: the one that the text is, or a hash of it. */
function seedOf(text: string | undefined): number {
  if (text === undefined || text === '') return SEED_DEFAULT;
  if (/^-?\d+$/.test(text)) return Number(text) | 0;
  return Array.from(text).reduce((hash, character) => (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) | 0, 0);
}
