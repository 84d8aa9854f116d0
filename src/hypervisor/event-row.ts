/**
 * An event as numbers: its stamp, and for each field of its kind one 64-bit word or a text. This is how events travel from an exit to
 * the columns of a trace, and how a replay compares them: no object is made of an event that nobody looks at.
 */
import { assert } from '../assert.ts';
import { EVENT_KINDS, type EventKind, type FieldType, type VmEvent } from './events.ts';

/** Where the low and high halves of a 64-bit word lie in a `Uint32Array` on this host. */
export const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
export const HIGH = 1 - LOW;

const TWO_32 = 0x1_0000_0000;

export interface RowField {
  readonly name: string;
  readonly type: FieldType;
  /** Largest number that it takes; -1 if it takes none. */
  readonly max: number;
}

/** A kind of event with its fields in the order of their places in a row. */
export interface RowKind {
  readonly kind: EventKind;
  readonly code: number;
  readonly fields: readonly RowField[];
}

const KIND_NAMES = Object.keys(EVENT_KINDS) as EventKind[];

/** Largest number of the types that are numbers. */
export const NUMBER_MAX: Readonly<Partial<Record<FieldType, number>>> = {
  u8: 0xff,
  u16: 0xffff,
  u32: 0xffff_ffff,
  u53: Number.MAX_SAFE_INTEGER,
};

export const ROW_KINDS = Object.fromEntries(
  KIND_NAMES.map((kind) => {
    const types = Object.entries(EVENT_KINDS[kind].fields as Readonly<Record<string, FieldType>>);
    const fields = types.map(([name, type]) => ({ name, type, max: NUMBER_MAX[type] ?? -1 }));
    return [kind, { kind, code: EVENT_KINDS[kind].code, fields }];
  }),
) as unknown as Readonly<Record<EventKind, RowKind>>;

const FIELDS_MAX = Math.max(...KIND_NAMES.map((kind) => ROW_KINDS[kind].fields.length));

/** The places of the fields of a kind. */
export function fieldPlaces<K extends EventKind>(
  kind: K,
): { readonly [F in keyof (typeof EVENT_KINDS)[K]['fields']]: number } {
  return Object.fromEntries(ROW_KINDS[kind].fields.map(({ name }, place) => [name, place])) as never;
}

/** One event. Rows are used again: whoever is given one takes what it needs before it returns. */
export class EventRow {
  kind: RowKind = ROW_KINDS.end;
  // From -0, so that they have room for any number from the start: see `MachineClock`.
  cycle = -0;
  icount = -0;
  hart = 0;
  /** Unsigned halves of the pc. */
  pcLow = -0;
  pcHigh = -0;
  /** Two halves for each field, see {@link LOW}. Those of a `name` mean nothing: it stands in `texts`. */
  readonly words = new Uint32Array(2 * FIELDS_MAX);
  /** The same, signed. */
  readonly halves = new Int32Array(this.words.buffer);
  readonly texts: string[] = new Array(FIELDS_MAX).fill('');
  readonly #unsigned = new BigUint64Array(this.words.buffer);
  readonly #signed = new BigInt64Array(this.words.buffer);

  /** Sets a field to a safe integer from 0 up. */
  setNumber(place: number, value: number): void {
    if (!isCount(value)) {
      assert(false, `the field ${this.kind.fields[place]?.name} of an event got ${value}`);
    }
    this.words[2 * place + LOW] = value;
    this.words[2 * place + HIGH] = value < TWO_32 ? 0 : value / TWO_32;
  }

  setBool(place: number, value: boolean): void {
    this.setHalves(place, value ? 1 : 0, 0);
  }

  /** Sets a field of 64 bits; both halves are taken modulo 2^32. */
  setHalves(place: number, low: number, high: number): void {
    this.words[2 * place + LOW] = low;
    this.words[2 * place + HIGH] = high;
  }

  /** Sets the first three fields to integers of 32 bits, at once: what a priced event cost. */
  setParts(entry: number, handling: number, back: number): void {
    const { halves } = this;
    halves[LOW] = entry;
    halves[HIGH] = 0;
    halves[2 + LOW] = handling;
    halves[2 + HIGH] = 0;
    halves[4 + LOW] = back;
    halves[4 + HIGH] = 0;
  }

  /** Sets a field of 64 bits, signed or not. */
  setWord(place: number, value: bigint): void {
    this.#signed[place] = value;
  }

  /** The halves of a field, unsigned. */
  low(place: number): number {
    return this.words[2 * place + LOW] as number;
  }

  high(place: number): number {
    return this.words[2 * place + HIGH] as number;
  }

  setText(place: number, text: string): void {
    this.texts[place] = text;
  }

  /** Takes over an event that is an object. Asserts that its fields have their types and ranges. */
  fill(event: VmEvent): void {
    assert(isCount(event.cycle) && isCount(event.icount) && isCount(event.hart), 'the stamp of an event is of counts');
    this.kind = ROW_KINDS[event.kind];
    this.cycle = event.cycle;
    this.icount = event.icount;
    this.hart = event.hart;
    this.pcLow = Number(BigInt.asUintN(32, event.pc));
    this.pcHigh = Number(BigInt.asUintN(32, event.pc >> 32n));
    this.fillFields(event as unknown as Readonly<Record<string, unknown>>);
  }

  /**
   * Sets all fields of the kind that the row has. Asserts their types and ranges. Faster if they come in the order of their places, as to go
   * through an object takes less than to find each of its fields by name.
   */
  fillFields(values: Readonly<Record<string, unknown>>): void {
    const { fields } = this.kind;
    let place = 0;
    for (const name in values) {
      const field = fields[place];
      if (field === undefined || field.name !== name) continue;
      this.#setField(place, field, values[name]);
      place++;
    }
    for (; place < fields.length; place++) {
      const field = fields[place] as RowField;
      this.#setField(place, field, values[field.name]);
    }
  }

  /** The event as an object, for whoever wants to look at it. */
  event(): VmEvent {
    const { kind, fields } = this.kind;
    const { cycle, icount, hart } = this;
    const pc = BigInt(this.pcLow) | (BigInt(this.pcHigh) << 32n);
    const event: Record<string, unknown> = { kind, cycle, icount, hart, pc };
    for (let place = 0; place < fields.length; place++) {
      const { name, type } = fields[place] as RowField;
      event[name] = this.#value(place, type);
    }
    return event as unknown as VmEvent;
  }

  #setField(place: number, { name, type, max }: RowField, value: unknown): void {
    if (typeof value === 'number' && value <= max) this.setNumber(place, value);
    else if (typeof value === 'string' && type === 'name') this.texts[place] = value;
    else if (typeof value === 'boolean' && type === 'bool') this.setBool(place, value);
    else if (typeof value === 'bigint' && (type === 'u64' || type === 'i64')) this.#setExactly(place, type, value);
    else assert(false, `the field ${name} of an event is of type ${type} and got ${typeof value} ${String(value)}`);
  }

  #value(place: number, type: FieldType): number | bigint | boolean | string {
    const [low, high] = [this.low(place), this.high(place)];
    switch (type) {
      case 'name':
        return this.texts[place] as string;
      case 'bool':
        return low !== 0;
      case 'u64':
        return this.#unsigned[place] as bigint;
      case 'i64':
        return this.#signed[place] as bigint;
      default:
        return high * TWO_32 + low;
    }
  }

  #setExactly(place: number, type: 'u64' | 'i64', value: bigint): void {
    this.#signed[place] = value;
    assert(this.#value(place, type) === value, 'a field of 64 bits of an event got a value that does not fit');
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Who is told of events: as rows if it takes them, else as objects. */
export interface EventTaker {
  event(event: VmEvent): void;
  eventRow?(row: EventRow): void;
}

export function tellRow(taker: EventTaker, row: EventRow): void {
  if (taker.eventRow !== undefined) taker.eventRow(row);
  else taker.event(row.event());
}
