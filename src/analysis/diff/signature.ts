/**
 * What an event is, without when it was and what it carried: two runs are aligned by this. A number of 32 bits; two different things
 * that share one are aligned, and then shown as different.
 */
import type { VmEvent } from '../../hypervisor/events.ts';

/** Fields that say what an event is. All others may differ between two events that stand for each other. */
const IDENTITY_FIELDS = [
  'eid',
  'fid',
  'device',
  'register',
  'write',
  'reason',
  'source',
  'line',
  'cause',
  'queue',
  'target',
  'state',
  'port',
  'what',
  'operation',
] as const;

/** Texts that are remembered with their hash; a guest may make more of them than that, but hardly ever does. */
const TEXTS_MAX = 4096;

/** Multipliers of MurmurHash3. */
const MIX_1 = 0xcc9e2d51;
const MIX_2 = 0x1b873593;

/** Signatures of events. */
export class Signatures {
  readonly #texts = new Map<string, number>();

  of(event: VmEvent): number {
    let hash = mix(this.#text(event.kind), event.hart);
    const fields = event as unknown as Readonly<Record<string, unknown>>;
    for (const name of IDENTITY_FIELDS) {
      const value = fields[name];
      switch (typeof value) {
        case 'string':
          hash = mix(hash, this.#text(value));
          break;
        case 'number':
          hash = mix(hash, value);
          break;
        case 'boolean':
          hash = mix(hash, value ? 1 : 2);
          break;
        case 'bigint':
          hash = mix(mix(hash, Number(value & 0xffff_ffffn)), Number(value >> 32n));
          break;
      }
    }
    return hash;
  }

  #text(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    let hash = text.length;
    for (let at = 0; at < text.length; at += 1) hash = mix(hash, text.charCodeAt(at));
    if (this.#texts.size < TEXTS_MAX) this.#texts.set(text, hash);
    return hash;
  }
}

/** A hash and one more value, taken modulo 2^32. */
export function mix(hash: number, value: number): number {
  let mixed = Math.imul(value, MIX_1);
  mixed = Math.imul((mixed << 15) | (mixed >>> 17), MIX_2);
  const turned = hash ^ mixed;
  return (Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64) | 0;
}
