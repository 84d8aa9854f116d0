/**
 * Which site comes next, as writer and reader of a chunk both guess it: the one that came the last time on the same way, else the one
 * that came the last time after the same site. Where there was no last time, it is the next one that has not come yet.
 */
import { SITE_WAY } from './schema.ts';

const WAY_MASK = 2 ** SITE_WAY.bits - 1;

export class SiteGuess {
  /** By way, and by site: what came next the last time, and 1; or 0. */
  readonly #afterWay = new Uint16Array(WAY_MASK + 1);
  readonly #afterSite: Uint16Array;
  #way = 0;
  #last = 0;
  /** Sites that have come: they are numbered in that order. */
  count = 0;

  /** @param capacity most sites, at most `LIMITS.sites` */
  constructor(capacity: number) {
    this.#afterSite = new Uint16Array(Math.max(1, capacity));
  }

  /** The first guess. */
  get first(): number {
    return this.#orNew(this.#afterWay[this.#way] as number);
  }

  get second(): number {
    return this.#orNew(this.#afterSite[this.#last] as number);
  }

  /** The site that came. */
  learn(site: number): void {
    if (site === this.count) this.count += 1;
    this.#afterWay[this.#way] = site + 1;
    this.#afterSite[this.#last] = site + 1;
    this.#way = ((this.#way << SITE_WAY.shift) ^ site) & WAY_MASK;
    this.#last = site;
  }

  /** Forgets everything. */
  clear(): void {
    this.#afterWay.fill(0);
    this.#afterSite.fill(0);
    this.#way = 0;
    this.#last = 0;
    this.count = 0;
  }

  #orNew(known: number): number {
    return known === 0 ? this.count : known - 1;
  }
}

/** What the coding `follow` writes for a site: which guess it was, or that it is new, or its number. */
export function missOf(site: number, guess: SiteGuess): number {
  if (site === guess.first) return 0;
  if (site === guess.second) return 1;
  return site === guess.count ? 2 : site + 3;
}

/** The inverse of {@link missOf}. */
export function siteOf(miss: number, guess: SiteGuess): number {
  if (miss === 0) return guess.first;
  if (miss === 1) return guess.second;
  return miss === 2 ? guess.count : miss - 3;
}
