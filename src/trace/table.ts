/**
 * Records as columns: the payload of inputs, events, digests and index chunks is a map with the number of rows, the names used,
 * and the columns by group and code. A column whose values are all zero is left out; one that is not known is skipped.
 */
import { assert } from '../assert.ts';
import { NUMBER_MAX } from '../hypervisor/event-row.ts';
import { type ColumnValues, decodeColumn, decodeColumnWords, type SiteContext } from './column-decoder.ts';
import { ColumnBuffer, type ColumnEncoder } from './columns.ts';
import { isMap, MalformedError, type Packable, type PackableMap, packInteger } from './messagepack.ts';
import { COLUMN_CODING, type ColumnSpec, LIMITS } from './schema.ts';

/** Names of one chunk, in order of first use. */
export class NameTable {
  readonly #indexes = new Map<string, number>();

  /** The index of a name, which is added when it is new. */
  indexOf(name: string): number {
    const known = this.#indexes.get(name);
    if (known !== undefined) return known;
    assert(name.length <= LIMITS.nameLength, 'a name in an event is too long for the trace');
    const index = this.#indexes.size;
    this.#indexes.set(name, index);
    return index;
  }

  list(): string[] {
    return [...this.#indexes.keys()];
  }

  clear(): void {
    this.#indexes.clear();
  }
}

/** One group of columns that is being filled. */
export class ColumnGroup {
  readonly #columns: readonly { readonly spec: ColumnSpec; readonly max: number; readonly buffer: ColumnBuffer }[];
  readonly #names: NameTable;

  constructor(specs: readonly ColumnSpec[], capacity: number, names: NameTable) {
    this.#columns = specs.map((spec) => ({
      spec,
      // A number in a column of another type fails the check of its range.
      max: NUMBER_MAX[spec.type] ?? -1,
      buffer: new ColumnBuffer(capacity),
    }));
    this.#names = names;
  }

  /** Adds one row: the values of `record` under the names of the columns. Asserts their types and ranges. */
  push(record: Readonly<Record<string, unknown>>): void {
    for (const { spec, max, buffer } of this.#columns) {
      const value = record[spec.name];
      if (typeof value === 'number') buffer.pushNumber(value, max);
      else if (typeof value === 'bigint' && spec.type === 'u64') buffer.pushUnsigned(value);
      else if (typeof value === 'string' && spec.type === 'name') {
        buffer.pushNumber(this.#names.indexOf(value), LIMITS.rowsPerChunk);
      } else if (typeof value === 'boolean' && spec.type === 'bool') buffer.pushNumber(value ? 1 : 0, 1);
      else if (typeof value === 'bigint' && spec.type === 'i64') buffer.pushSigned(value);
      else assert(false, `a trace column \`${spec.name}\` of type ${spec.type} got a ${typeof value}`);
    }
  }

  /** The columns by code, and an empty group again. */
  take(encoder: ColumnEncoder): PackableMap {
    const packed = new Map<number, Packable>();
    for (const { spec, buffer } of this.#columns) {
      const coded = encoder.encode(buffer);
      if (coded !== undefined) packed.set(spec.code, coded);
      buffer.count = 0;
    }
    return packed;
  }
}

/** Head of a table payload. */
export interface TableHead {
  /** Records of this kind in the chunks before this one. */
  readonly first: number;
  readonly count: number;
}

/** A table as it is packed. `groups` are the columns by group code; empty groups are left out. */
export function packTable(
  head: TableHead,
  names: readonly string[],
  groups: readonly (readonly [number, PackableMap])[],
): Map<string, Packable> {
  return new Map<string, Packable>([
    ['first', packInteger(head.first)],
    ['count', packInteger(head.count)],
    ['names', names],
    ['columns', new Map(groups.filter(([, columns]) => columns.size > 0))],
  ]);
}

/** A table whose columns are decoded when they are asked for. */
export class Table implements TableHead {
  readonly first: number;
  readonly count: number;
  readonly #names: readonly string[];
  readonly #groups: Readonly<Record<string, unknown>>;

  /** @param packed an unpacked chunk payload. Throws {@link MalformedError}. */
  constructor(packed: Readonly<Record<string, unknown>>, rowsMax: number = LIMITS.rowsPerChunk) {
    this.first = toInteger(packed.first, Number.MAX_SAFE_INTEGER, 'first');
    this.count = toInteger(packed.count, rowsMax, 'count');
    this.#names = toNames(packed.names);
    if (!isMap(packed.columns)) throw new MalformedError('a chunk without columns');
    this.#groups = packed.columns;
  }

  /** Decodes the columns of one group of `count` rows, in the order of the specs. */
  columns(group: number, specs: readonly ColumnSpec[], count = this.count): ColumnValues[] {
    return specs.map(({ code, type, name }) => decodeColumn(this.#coded(group, code, name), type, count, this.#names));
  }

  #coded(group: number, code: number, name: string): Uint8Array | undefined {
    const found = this.#groups[group] ?? {};
    if (!isMap(found)) throw new MalformedError(`column group ${group} is not a map`);
    const coded = found[code];
    if (coded !== undefined && !(coded instanceof Uint8Array)) throw new MalformedError(`column ${name} is not bytes`);
    return coded;
  }

  /** The names of the chunk. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** The words of the columns of one group: what {@link columns} makes values of. A name is an index into {@link names}. */
  columnWords(
    group: number,
    specs: readonly ColumnSpec[],
    count = this.count,
    context?: SiteContext,
  ): Uint32Array<ArrayBuffer>[] {
    return specs.map(({ code, type, name }) =>
      decodeColumnWords(this.#coded(group, code, name), type, count, this.#names, context),
    );
  }

  /** Whether all rows of a column have the same value by its coding; in others they may have it too. */
  isUniform(group: number, { code, name }: ColumnSpec): boolean {
    const coded = this.#coded(group, code, name);
    return coded === undefined || coded[0] === COLUMN_CODING.constant.code;
  }

  /** All rows of one group as plain objects. */
  rows(group: number, specs: readonly ColumnSpec[]): Record<string, number | bigint | boolean | string>[] {
    const columns = this.columns(group, specs);
    return Array.from({ length: this.count }, (_, row) =>
      Object.fromEntries(specs.map((spec, index) => [spec.name, columns[index]?.[row] ?? 0])),
    );
  }
}

/** A non-negative integer up to `max` out of unpacked values. Throws {@link MalformedError}. */
export function toInteger(value: unknown, max: number, what: string): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0 || number > max) {
    throw new MalformedError(`\`${what}\` is ${String(value)}`);
  }
  return number;
}

function toNames(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length > LIMITS.rowsPerChunk) throw new MalformedError('`names` is not a list');
  for (const name of value) {
    if (typeof name !== 'string' || name.length > LIMITS.nameLength) throw new MalformedError('a name is not a text');
  }
  return value as string[];
}
