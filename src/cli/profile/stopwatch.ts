/**
 * A stopwatch for work inside work: every moment belongs to exactly one section, the innermost, so the sections add up to the whole.
 * One reading of the clock for each change.
 */

export interface Section {
  readonly name: string;
  /** Time in this section and in none inside it. */
  ms: number;
  /** How often it began. */
  count: number;
}

export const newSection = (name: string): Section => ({ name, ms: 0, count: 0 });

/** An exception that passes by leaves sections open: whoever throws has no use for the times. */
export class Stopwatch {
  readonly #nowMs: () => number;
  /** Sections around the current one, outermost first. */
  readonly #outer: Section[] = [];
  #current: Section;
  #sinceMs: number;

  /** @param sinceMs when `first` began, by the same clock */
  constructor(nowMs: () => number, first: Section, sinceMs: number) {
    this.#nowMs = nowMs;
    this.#current = first;
    this.#sinceMs = sinceMs;
  }

  /** A section inside the current one, which goes on after {@link leave}. */
  enter(section: Section): void {
    this.#charge();
    this.#outer.push(this.#current);
    this.#begin(section);
  }

  leave(): void {
    this.#charge();
    this.#current = this.#outer.pop() ?? this.#current;
  }

  /** Ends the current section and begins another in the same place. It is not counted: what only follows is not an occasion. */
  turnTo(section: Section): void {
    this.#charge();
    this.#current = section;
  }

  /** As {@link leave}, but the one around the current section does not go on either: `section` takes its place. */
  leaveTo(section: Section): void {
    this.#charge();
    this.#outer.pop();
    this.#begin(section);
  }

  /** Brings the times of all sections up to now. */
  stop(): void {
    this.#charge();
  }

  #begin(section: Section): void {
    section.count += 1;
    this.#current = section;
  }

  #charge(): void {
    const now = this.#nowMs();
    this.#current.ms += now - this.#sinceMs;
    this.#sinceMs = now;
  }
}
