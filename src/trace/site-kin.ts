/**
 * The kin of a site is the site before it, in the chunk, of the same kind at the same pc: a driver that does the same to one device after the other
 * passes the same instructions, and the values are often the same too. What is expected of a site that comes for the first time is
 * what was last seen of its kin.
 */
export class SiteKin {
  readonly #lastAt = new Map<string, number>();
  readonly #kins: number[] = [];

  /** Adds the next site. */
  add(kind: number, pcLow: number, pcHigh: number): void {
    const place = `${kind} ${pcHigh >>> 0} ${pcLow >>> 0}`;
    const site = this.#kins.length;
    this.#kins.push(this.#lastAt.get(place) ?? site);
    this.#lastAt.set(place, site);
  }

  /** The kin of a site; the site itself if it has none. */
  of(site: number): number {
    return this.#kins[site] as number;
  }

  clear(): void {
    this.#lastAt.clear();
    this.#kins.length = 0;
  }
}
