/** `event_channel_op(operation, argument)` (docs/abi.md, "Event channels"). */
import type { PortOrError } from '../event-channels.ts';
import type { PvCall } from '../pv-call.ts';
import { PV_ERROR, type PvError } from '../pv-errors.ts';
import { DOMAIN } from '../pv-layout.ts';
import type { CallDomain, CallHandler } from './call-row.ts';

interface Operation {
  /** Words of its structure, and the first of those that are results. */
  readonly words: number;
  readonly results: number;
  /** Takes the words that are given, puts results among them. */
  readonly serve: (domain: CallDomain, words: Uint32Array, call: PvCall) => PvError | 0;
}

/** A flag without a meaning here: a line has one device. */
const BIND_PIRQ_WILL_SHARE = 1;

const OPERATIONS: Readonly<Record<number, Operation>> = {
  // bind_interdomain: remote domain, remote port; local port
  0: {
    words: 3,
    results: 2,
    serve: ({ events }, words) => {
      if (!isSelf(word(words, 0))) return PV_ERROR.EPERM;
      return opened(words, 2, events.bindInterdomain(word(words, 1)));
    },
  },
  // bind_virq: virq, vCPU; port
  1: {
    words: 3,
    results: 2,
    serve: ({ events }, words) => opened(words, 2, events.bindVirq(word(words, 0), word(words, 1))),
  },
  // bind_pirq: pirq, flags; port
  2: {
    words: 3,
    results: 2,
    serve: ({ events }, words) => {
      if ((word(words, 1) & ~BIND_PIRQ_WILL_SHARE) !== 0) return PV_ERROR.EINVAL;
      return opened(words, 2, events.bindPirq(word(words, 0)));
    },
  },
  // close: port
  3: { words: 1, results: 1, serve: ({ events }, words) => events.close(word(words, 0)) },
  // send: port
  4: {
    words: 1,
    results: 1,
    serve: (domain, words, call) => {
      domain.charge(call, 'eventSend');
      return domain.events.send(word(words, 0));
    },
  },
  // status: domain, port; status, vCPU
  5: {
    words: 4,
    results: 2,
    serve: ({ events }, words) => {
      if (!isSelf(word(words, 0))) return PV_ERROR.EPERM;
      const { status, vcpu } = events.status(word(words, 1));
      words[2] = status;
      words[3] = vcpu;
      return 0;
    },
  },
  // alloc_unbound: domain, remote domain; port
  6: {
    words: 3,
    results: 2,
    serve: ({ events }, words) => {
      if (!isSelf(word(words, 0)) || !isSelf(word(words, 1))) return PV_ERROR.EPERM;
      return opened(words, 2, events.allocUnbound());
    },
  },
  // bind_ipi: vCPU; port
  7: { words: 2, results: 1, serve: ({ events }, words) => opened(words, 1, events.bindIpi(word(words, 0))) },
  // bind_vcpu: port, vCPU
  8: { words: 2, results: 2, serve: ({ events }, words) => events.bindVcpu(word(words, 0), word(words, 1)) },
  // unmask: port
  9: { words: 1, results: 1, serve: ({ events }, words) => events.unmask(word(words, 0)) },
};

export const eventChannelOp: CallHandler = (domain, _vcpu, call) => {
  const operation = OPERATIONS[call.number(0)];
  if (operation === undefined) return PV_ERROR.ENOSYS;
  const pa = call.number(1);
  const lengthBytes = operation.words * 4;
  const words = domain.buffers.copyWords(pa, lengthBytes);
  if (words === undefined) return PV_ERROR.EFAULT;
  if (operation.results < operation.words && !domain.buffers.isWritable(pa, lengthBytes)) return PV_ERROR.EFAULT;
  const error = operation.serve(domain, words, call);
  if (error !== 0) return error;
  for (let index = operation.results; index < operation.words; index++) {
    domain.buffers.write32(pa + index * 4, word(words, index));
  }
  return 0;
};

function opened(words: Uint32Array, place: number, outcome: PortOrError): PvError | 0 {
  if ('error' in outcome) return outcome.error;
  words[place] = outcome.port;
  return 0;
}

function word(words: Uint32Array, index: number): number {
  return words[index] as number;
}

function isSelf(domain: number): boolean {
  return domain === DOMAIN.self || domain === DOMAIN.guest;
}
