/** Calls of the paravirtual interface as kernels make them: an `ecall` with the number in a6 and the arguments from a0 on (docs/abi.md, "Calls"). */
import type { Hart } from '../../../machine/machine-types.ts';
import type { CallOutcome, ExitHost } from '../../modes/mode.ts';
import { AFTERWARDS, CALL_ARGUMENTS, PvCall } from '../pv-call.ts';
import { PV_EXTENSION } from '../pv-layout.ts';
import { type CallDomain, type CallRow, type CallTable, callRow, serveCall } from './call-row.ts';

const [A0, A6, A7] = [10, 16, 17];

/** Whether the pending `ecall` of a hart is such a call. Others are calls of the SBI. */
export function isKernelCall(registers: Hart): boolean {
  return registers.xLow(A7) === PV_EXTENSION && registers.xHigh(A7) === 0;
}

export class KernelCalls<D extends CallDomain> {
  readonly #domain: D;
  readonly #table: CallTable<D>;
  /** Of the call that is being served, as is what follows: one at a time, and no object for each. */
  readonly #call = new PvCall();
  #hart = 0;
  #row: CallRow<D> | undefined;
  readonly #serve = (outcome: CallOutcome): void => {
    const call = this.#call;
    outcome.error = serveCall(this.#domain, this.#hart, this.#row, call);
    outcome.value = call.value;
    outcome.moreCycles = call.cycles;
    outcome.work = call;
    // A return to a context that was saved sets all of its registers.
    outcome.setsRegisters = call.afterwards !== AFTERWARDS.iret;
  };

  constructor(domain: D, table: CallTable<D>) {
    this.#domain = domain;
    this.#table = table;
  }

  /** Prices and serves the pending call of a hart. Returns it, reused, for what is left to do: `afterwards`. */
  serve(host: ExitHost, registers: Hart): PvCall {
    const call = this.#call;
    call.start();
    for (let index = 0; index < CALL_ARGUMENTS; index++) {
      call.words[2 * index] = registers.xLow(A0 + index);
      call.words[2 * index + 1] = registers.xHigh(A0 + index);
    }
    const row = callRow(this.#table, registers.xHigh(A6) * 0x1_0000_0000 + registers.xLow(A6));
    const exit = row?.exit ?? 'hypercallKernel';
    const cost = host.costs.primitives[typeof exit === 'string' ? exit : exit(call)];
    const hart = registers.id;
    this.#hart = hart;
    this.#row = row;
    host.serveHypercall(hart, cost, row?.args.length, this.#serve);
    return call;
  }
}
