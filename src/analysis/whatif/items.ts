/** What a run in another mode is charged for, item by item: counted at the prices of a profile. */
import type { CostPrimitive, CostProfile } from '../../hypervisor/costs.ts';
import { totalCycles } from '../../hypervisor/costs.ts';
import type { Mode } from '../../hypervisor/modes/mode.ts';
import { OPERATIONS, type OperationName } from '../../hypervisor/modes/operations.ts';
import { type Cause, handlingsOf } from '../causes.ts';

/**
 * How a count is known. `traced`: the trace has an event for each. `counted`: by a counter of the trace. `recipe`: events of the trace times
 * what the source of the unmodified guest does for one.
 */
export type Basis = 'traced' | 'counted' | 'recipe';

interface ItemRow {
  readonly operation: OperationName;
  readonly primitive: CostPrimitive;
  readonly basis: Basis;
  readonly about: string;
}

/** In the order in which they are shown. */
export const ITEMS = {
  trapCsr: { operation: 'csrAccess', primitive: 'csrAccess', basis: 'recipe', about: 'CSRs of trap entry and return' },
  maskCsr: {
    operation: 'csrAccess',
    primitive: 'csrAccess',
    basis: 'traced',
    about: 'masking and unmasking of interrupts',
  },
  startCsr: { operation: 'csrAccess', primitive: 'csrAccess', basis: 'recipe', about: 'CSRs set once at the start' },
  timerCsr: { operation: 'csrAccess', primitive: 'csrAccess', basis: 'traced', about: 'deadlines of the timer' },
  timerSet: { operation: 'csrAccess', primitive: 'timerSet', basis: 'traced', about: 'arming of the timer' },
  sret: { operation: 'sret', primitive: 'sret', basis: 'traced', about: 'returns from traps' },
  satpCached: {
    operation: 'satpWrite',
    primitive: 'satpCached',
    basis: 'traced',
    about: 'address spaces loaded again',
  },
  satpNew: {
    operation: 'satpWrite',
    primitive: 'satpNew',
    basis: 'traced',
    about: 'address spaces loaded for the first time',
  },
  fence: { operation: 'fence', primitive: 'sfence', basis: 'traced', about: 'flushes of translations' },
  syscall: { operation: 'userCall', primitive: 'syscallBounce', basis: 'traced', about: 'system calls' },
  fault: { operation: 'ownFault', primitive: 'trapBounce', basis: 'traced', about: 'page faults' },
  exception: { operation: 'exception', primitive: 'trapBounce', basis: 'traced', about: 'other exceptions' },
  shadowFill: { operation: 'hiddenFault', primitive: 'shadowFill', basis: 'counted', about: 'hidden faults' },
  refill: {
    operation: 'hiddenFault',
    primitive: 'shadowFill',
    basis: 'recipe',
    about: 'hidden faults after changes that only a shadow sees',
  },
  tableStore: { operation: 'tableStore', primitive: 'pteWrite', basis: 'traced', about: 'stores to page tables' },
  staleStore: {
    operation: 'tableStore',
    primitive: 'pteWrite',
    basis: 'recipe',
    about: 'stores to pages that were tables',
  },
  drop: { operation: 'tableStore', primitive: 'shadowDrop', basis: 'counted', about: 'shadow entries dropped' },
  secondStage: {
    operation: 'secondStageFault',
    primitive: 'secondStageFault',
    basis: 'counted',
    about: 'first touches of pages',
  },
  register: { operation: 'register', primitive: 'mmioUser', basis: 'recipe', about: 'registers of devices' },
  controller: {
    operation: 'register',
    primitive: 'mmioKernel',
    basis: 'recipe',
    about: 'registers that set up the interrupt controller',
  },
  claim: { operation: 'register', primitive: 'irqClaim', basis: 'recipe', about: 'interrupts claimed' },
  complete: { operation: 'register', primitive: 'irqComplete', basis: 'recipe', about: 'interrupts completed' },
  notification: {
    operation: 'notification',
    primitive: 'mmioKernel',
    basis: 'traced',
    about: 'notifications of rings',
  },
  wait: { operation: 'wait', primitive: 'wfi', basis: 'traced', about: '`wfi`' },
  timerExit: {
    operation: 'timer',
    primitive: 'timerExit',
    basis: 'recipe',
    about: 'timers that expire while the guest runs',
  },
  timerInject: { operation: 'timer', primitive: 'inject', basis: 'recipe', about: 'timer interrupts raised' },
  external: {
    operation: 'deviceInterrupt',
    primitive: 'external',
    basis: 'traced',
    about: 'exits for interrupts of devices',
  },
  inject: { operation: 'deviceInterrupt', primitive: 'inject', basis: 'traced', about: 'interrupts of devices raised' },
  eventSend: { operation: 'deviceInterrupt', primitive: 'eventSend', basis: 'recipe', about: 'events sent to ports' },
  preempt: { operation: 'preemption', primitive: 'preempt', basis: 'traced', about: 'ends of turns' },
  call: { operation: 'supervisorCall', primitive: 'hypercallKernel', basis: 'traced', about: 'SBI calls' },
  userCall: {
    operation: 'supervisorCall',
    primitive: 'hypercallUser',
    basis: 'traced',
    about: 'SBI calls to the device model',
  },
} as const satisfies Record<string, ItemRow>;
export type ItemName = keyof typeof ITEMS;
export const ITEM_NAMES = Object.keys(ITEMS) as readonly ItemName[];

/** A line of the prediction. */
export interface PredictedItem {
  readonly item: ItemName;
  readonly about: string;
  /** Undefined: work of firmware or the bus. */
  readonly cause: Cause | undefined;
  readonly basis: Basis;
  /** Whether each one takes the guest out. */
  readonly isExit: boolean;
  readonly count: number;
  readonly cycles: number;
}

/** Interrupts raised and work inside another exit are none. */
const NO_EXITS: ReadonlySet<ItemName> = new Set(['timerSet', 'drop', 'timerInject', 'inject', 'eventSend']);

export class Ledger {
  readonly #profile: CostProfile;
  /** Cycles of one, by item; undefined where the mode makes nothing of it. */
  readonly #prices = new Map<ItemName, number>();
  readonly #hypervisor = new Set<ItemName>();
  readonly #counts = new Map<ItemName, number>();

  constructor(mode: Mode, profile: CostProfile) {
    this.#profile = profile;
    const { primitives } = profile;
    const handlings = new Map(handlingsOf(mode));
    for (const item of ITEM_NAMES) {
      const { operation, primitive } = ITEMS[item];
      const handling = handlings.get(operation);
      if (handling === undefined || handling.by === 'nobody') continue;
      const offered = handling.events.flatMap(({ costs, work = [] }) => [...costs, ...work]);
      if (handling.by === 'hypervisor') {
        if (offered.includes(primitive)) this.#prices.set(item, totalCycles(primitives[primitive]));
        this.#hypervisor.add(item);
      } else {
        const [charged] = offered;
        if (charged !== undefined) this.#prices.set(item, totalCycles(primitives[charged]));
      }
    }
  }

  /** Counts an item. Returns what it takes in all: 0 where it is free in the mode. */
  add(item: ItemName, count = 1): number {
    const price = this.#prices.get(item);
    if (price === undefined || count === 0) return 0;
    this.#counts.set(item, (this.#counts.get(item) ?? 0) + count);
    return price * count;
  }

  /** What one takes after the work is done. */
  returnCycles(item: ItemName): number {
    return this.exits(item) ? this.#profile.primitives[ITEMS[item].primitive].return.cycles : 0;
  }

  /** Whether the mode makes an exit of it. */
  exits(item: ItemName): boolean {
    return this.#hypervisor.has(item) && this.#prices.has(item);
  }

  items(): PredictedItem[] {
    return ITEM_NAMES.filter((item) => this.#counts.has(item)).map((item) => {
      const { operation, basis, about } = ITEMS[item];
      const byHypervisor = this.#hypervisor.has(item);
      const count = this.#counts.get(item) ?? 0;
      return {
        item,
        about,
        cause: byHypervisor ? OPERATIONS[operation].cause : undefined,
        basis,
        isExit: byHypervisor && !NO_EXITS.has(item),
        count,
        cycles: count * (this.#prices.get(item) ?? 0),
      };
    });
  }
}
