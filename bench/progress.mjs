/** Where a benchmark is: one line on standard error for each piece of it, and minutes by part for the page. */
import { loadavg } from 'node:os';

export class Progress {
  /** Minutes by part, in the order in which parts began. */
  minutes = {};
  #startedMs = performance.now();

  /** Measures one piece of a part and returns what it gives. */
  async measure(part, name, piece) {
    const beganMs = performance.now();
    const result = await piece();
    const endedMs = performance.now();
    this.minutes[part] = (this.minutes[part] ?? 0) + (endedMs - beganMs) / 60_000;
    const at = `${this.totalMinutes().toFixed(1)} min`;
    const seconds = ((endedMs - beganMs) / 1000).toFixed(0);
    console.error(`bench: ${at}: ${part}, ${name}: ${seconds} s, load ${loadavg()[0].toFixed(1)}`);
    return result;
  }

  totalMinutes() {
    return (performance.now() - this.#startedMs) / 60_000;
  }
}
