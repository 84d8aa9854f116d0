/**
 * An event for people, as one line, and for programs, as a JSON object. 64-bit values are texts in JSON, because JSON numbers
 * lose digits beyond 2^53: unsigned ones in hex, signed ones in decimal.
 */
import {
  costOf,
  EVENT_KINDS,
  EVENT_STAMP,
  type EventOf,
  type FieldType,
  isPriced,
  type VmEvent,
} from '../hypervisor/events.ts';
import { type EventNames, hex, interruptName, ringName } from './names.ts';

const ARGUMENT_REGISTERS = ['arg0', 'arg1', 'arg2', 'arg3', 'arg4', 'arg5'] as const;
const STAMP_WIDTHS = { cycle: 14, icount: 13 } as const;

export type JsonEvent = Readonly<Record<string, string | number | boolean>>;

/** One line: cycle, instruction count, hart, pc, what happened, and what it cost. */
export function describeEvent(event: VmEvent, names: EventNames): string {
  const cycle = String(event.cycle).padStart(STAMP_WIDTHS.cycle);
  const icount = String(event.icount).padStart(STAMP_WIDTHS.icount);
  const pc = event.pc.toString(16).padStart(16, '0');
  const cost = isPriced(event) ? `  [${costOf(event)} cycles]` : '';
  return `${cycle} ${icount}  hart ${event.hart}  ${pc}  ${event.kind.padEnd(11)}  ${whatHappened(event, names)}${cost}`;
}

/** What happened, without stamp and cost. */
export function whatHappened(event: VmEvent, names: EventNames): string {
  switch (event.kind) {
    case 'hypercall':
      return describeCall(event, names);
    case 'mmio': {
      const arrow = event.write ? '<-' : '->';
      return `${event.device}.${event.register} ${arrow} ${hex(event.value)} (${event.sizeBytes} bytes at ${hex(event.gpa)})`;
    }
    case 'exit':
      return event.reason;
    case 'inject':
      return `${event.source} raises line ${event.line}`;
    case 'interrupt':
      return interruptName(event.cause);
    case 'input':
      return event.lengthBytes === 0 ? `end of input at ${event.port}` : `${event.lengthBytes} bytes at ${event.port}`;
    case 'idle':
      return 'waits for an interrupt';
    case 'wake':
      return 'goes on';
    case 'turn':
      return `gets the processor from hart ${event.from}`;
    case 'hartState':
      return `hart ${event.target} ${event.state}`;
    case 'end':
      return `${event.reason}, status ${event.status}`;
    case 'avoidedExit':
      return describeAvoided(event);
    case 'mark':
      return `${event.label} (${event.by}${event.value === 0n ? '' : `, ${hex(event.value)}`})`;
    default:
      return `${ringName(event.device, event.queue)}: ${describeRing(event)}`;
  }
}

/** All fields of an event under their names, and `name` (`call`, `errorName`, `interrupt`) for what is a number in the trace. */
export function eventToJson(event: VmEvent, names: EventNames): JsonEvent {
  const values = event as unknown as Readonly<Record<string, number | bigint | boolean | string>>;
  const fields: Readonly<Record<string, FieldType>> = { ...EVENT_STAMP, ...EVENT_KINDS[event.kind].fields };
  const json: Record<string, string | number | boolean> = { kind: event.kind };
  for (const name of Object.keys(fields)) {
    const value = values[name] ?? 0;
    if (typeof value === 'bigint') json[name] = fields[name] === 'i64' ? String(value) : hex(value);
    else json[name] = value;
  }
  if (event.kind === 'hypercall') {
    json.call = names.sbiFunction(event.eid, event.fid);
    json.errorName = names.sbiError(event.error, event.eid);
  }
  if (event.kind === 'interrupt') json.interrupt = interruptName(event.cause);
  return json;
}

function describeCall(event: EventOf<'hypercall'>, names: EventNames): string {
  const known = names.sbiArguments(event.eid, event.fid);
  const values = ARGUMENT_REGISTERS.map((register) => event[register]);
  // Of a call whose arguments are not known, those up to the last that is not zero.
  const count = known.length > 0 ? known.length : values.findLastIndex((value) => value !== 0n) + 1;
  const shown = values.slice(0, count).map((value, index) => {
    const name = known[index];
    return name === undefined ? hex(value) : `${name}=${hex(value)}`;
  });
  const call = `${names.sbiFunction(event.eid, event.fid)}(${shown.join(', ')})`;
  return `${call} -> ${names.sbiError(event.error, event.eid)}, ${hex(event.value)}${describeWork(event)}`;
}

function describeWork({ tableWrites, rootLoads, flushes }: EventOf<'hypercall'>): string {
  const parts = [
    ...(tableWrites > 0 ? [plural(tableWrites, 'table write')] : []),
    ...(rootLoads > 0 ? [`${plural(rootLoads, 'address space')} loaded`] : []),
    ...(flushes > 0 ? [plural(flushes, 'flush', 'flushes')] : []),
  ];
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

function plural(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}

/** `interrupt-acknowledge of timer (port 1)`, `ring-publish at pv-net0 queue 1, 7 times`. */
function describeAvoided({ operation, device, queue, line, count }: EventOf<'avoidedExit'>): string {
  const what = line > 0 ? ` of ${device === '' ? 'nobody' : device} (port ${line})` : '';
  const where = line === 0 && device !== '' ? ` at ${ringName(device, queue)}` : '';
  return `${operation}${what}${where}${count === 1 ? '' : `, ${count} times`}`;
}

function describeRing(event: Exclude<Extract<VmEvent, { queue: number }>, { kind: 'avoidedExit' }>): string {
  switch (event.kind) {
    case 'notify':
      return `driver notifies at avail ${event.availIndex}, ${event.waiting} waiting`;
    case 'take': {
      const chain = `${event.descriptors} descriptors${event.indirect ? ', indirect' : ''}`;
      const bytes = `${event.readableBytes} bytes to read, ${event.writableBytes} to write`;
      return `device takes chain ${event.head} (${chain}; ${bytes}), ${event.inFlight} in flight`;
    }
    case 'complete':
      return `device returns chain ${event.head} with ${event.writtenBytes} bytes at used ${event.usedIndex}, ${event.inFlight} in flight`;
    case 'used':
      return `interrupt ${event.delivered ? 'delivered' : 'suppressed'} at used ${event.usedIndex}`;
    case 'broken':
      return `broken: ${event.what} (${hex(event.offending)})`;
    case 'drop':
      return `frame of ${event.lengthBytes} bytes lost: ${event.reason}`;
  }
}
