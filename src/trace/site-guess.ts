/**
 * Which site comes next, as writer and reader of a chunk both guess it: the one that came the last time on the same way, else the one
 * that came the last time after the same site.
 */
import { SITE_WAY } from './schema.ts';

const WAY_MASK = 2 ** SITE_WAY.bits - 1;

export class SiteGuess {
  /** By way, and by site: what came next the last time. */
  readonly #afterWay = new Uint16Array(WAY_MASK + 1);
  readonly #afterSite: Uint16Array;
  #way = 0;
  #last = 0;

  /** @param capacity most sites */
  constructor(capacity: number) {
    this.#afterSite = new Uint16Array(Math.max(1, capacity));
  }

  /** The first guess. Like the second it may be a site that does not exist yet. */
  get first(): number {
    return this.#afterWay[this.#way] as number;
  }

  get second(): number {
    return this.#afterSite[this.#last] as number;
  }

  /** The site that came. */
  learn(site: number): void {
    this.#afterWay[this.#way] = site;
    this.#afterSite[this.#last] = site;
    this.#way = ((this.#way << SITE_WAY.shift) ^ site) & WAY_MASK;
    this.#last = site;
  }

  /** Forgets everything. */
  clear(): void {
    this.#afterWay.fill(0);
    this.#afterSite.fill(0);
    this.#way = 0;
    this.#last = 0;
  }
}
