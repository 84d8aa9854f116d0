/**
 * Makes event objects. The functions are the same, one for each kind of event: V8 keeps what it has learned of the shape of objects with the place in
 * the program, and one that sees the shapes of all kinds copies ten times slower.
 */

/** What varies among the events of a kind, but for its stamp. */
export interface VaryingField {
  readonly name: string;
  /** By row. */
  readonly values: ArrayLike<unknown>;
}

export type EventObject = Record<string, unknown>;

/** A copy of a template, with all its fields in place, for one row. */
export type EventMaker = (
  template: EventObject,
  cycle: number,
  icount: number,
  fields: readonly VaryingField[],
  row: number,
) => EventObject;

/** More than there are kinds of events; a kind has the one at its code. */
const MAKERS: readonly EventMaker[] = [
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
  (template, cycle, icount, fields, row) => {
    const event = { ...template };
    event.cycle = cycle;
    event.icount = icount;
    for (const { name, values } of fields) event[name] = values[row];
    return event;
  },
];

export function eventMaker(code: number): EventMaker {
  return MAKERS[code % MAKERS.length] as EventMaker;
}
