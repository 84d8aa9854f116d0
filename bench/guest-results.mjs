/** What runs of one guest took and computed, by column and length (`few`, `many`, `long`). */
import { BenchError } from './programs.mjs';

export class GuestResults {
  columns;
  recordBytes = 0;
  #name;
  #traceBytes = 0;
  #checksums = {};
  #instructions = {};

  constructor({ name }, columns) {
    this.#name = name;
    this.columns = Object.fromEntries(columns.map(({ id }) => [id, { few: [], many: [], long: [] }]));
  }

  add(column, length, { seconds, checksum, instructions, traceBytes }) {
    this.columns[column.id][length].push(seconds);
    this.#seen(this.#checksums, length, checksum);
    // QEMU counts firmware and calls too.
    if (column.verb !== undefined) this.#seen(this.#instructions, length, instructions);
    if (length === 'many') this.#traceBytes = traceBytes ?? this.#traceBytes;
  }

  /** Plain data; an error where columns computed different things, or QEMU did not record. `instructions` by length. */
  checked() {
    for (const seen of [...Object.values(this.#checksums), ...Object.values(this.#instructions)]) {
      if (seen.size > 1) throw new BenchError(`${this.#name}: columns differ: ${[...seen].join(', ')}`);
    }
    if (this.recordBytes === 0) throw new BenchError(`${this.#name}: QEMU recorded nothing`);
    const instructions = Object.fromEntries(
      Object.entries(this.#instructions).map(([length, [count]]) => [length, count]),
    );
    return { instructions, columns: this.columns, traceBytes: this.#traceBytes, recordBytes: this.recordBytes };
  }

  #seen(sets, length, value) {
    sets[length] ??= new Set();
    sets[length].add(value);
  }
}
