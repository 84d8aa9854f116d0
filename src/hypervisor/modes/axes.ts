/**
 * The axes that modes are composed of. `direct*` is the machine by itself: nothing exits, and what costs anything is firmware or the
 * bus. The others are served by the hypervisor, at the prices of the cost profile.
 */
import type { ExitCost } from '../costs.ts';
import { PvProcessor, pvHostBytes } from '../pv/pv-processor.ts';
import { startOfDayBytes } from '../pv/start-of-day.ts';
import { PvhProcessor } from '../pvh/pvh-processor.ts';
import {
  DEVICE_CALLS,
  DIRECT_DEVICES,
  DIRECT_INTERRUPTS,
  EMULATED_DEVICES,
  EMULATED_INTERRUPTS,
  EMULATED_INTERRUPTS_AND_TIMER,
  EVENT_CHANNELS,
  EVENT_CHANNELS_BESIDE_CONTROLLER,
  FIRMWARE_CALLS,
  HARDWARE_ASSISTED,
  HARDWARE_ASSISTED_WITH_EVENTS,
  PARAVIRTUAL,
  TRAP_AND_EMULATE,
  TRAPPED_DEVICES,
} from './handlings.ts';
import type { CallPrice, DeviceAxis, ExitHost, InterruptAxis, PrivilegedAxis } from './mode.ts';
import { shadowBytes, TrapAndEmulate } from './trap-and-emulate.ts';
import { secondStageBytes, TwoStageProcessor } from './two-stage.ts';

const NOTHING = { cycles: 0, status: 'R', source: 'rule: no hypervisor' } as const;
const FREE: ExitCost = { entry: NOTHING, handling: NOTHING, return: NOTHING };

const firmwarePrice: CallPrice = (_called, { nativeCall }) => nativeCall;
const hypercallPrice: CallPrice = (called, primitives) => primitives[called?.cost ?? 'hypercallKernel'];

/** The SBI is firmware below the guest. Its work is charged by a rule of the profile. */
export const firmwareCalls: PrivilegedAxis = {
  name: 'real S-mode, SBI by firmware',
  handlings: FIRMWARE_CALLS,
  avoids: [],
  supervisorCall: (host, hart) => {
    host.serveCall(hart, firmwarePrice, host.costs.primitives.nativeCall);
  },
  ipi: (host, line) => host.inject('ipi', line, host.costs.primitives.nativeCall),
};

/** Every SBI call is a VM exit, served in the hypervisor or, for consoles and reset, in its user-space device model. */
const hypercalls: Pick<PrivilegedAxis, 'supervisorCall' | 'ipi'> = {
  supervisorCall: (host, hart) => {
    host.serveCall(hart, hypercallPrice, host.costs.primitives.remoteHart);
  },
  ipi: (host, line) => host.inject('ipi', line, host.costs.primitives.remoteHart),
};

/** VS-mode under a second stage of translation: the guest's own traps and tables never exit. */
export const hardwareAssisted: PrivilegedAxis = {
  ...hypercalls,
  name: 'VS-mode, two-stage translation, SBI by hypercall',
  handlings: HARDWARE_ASSISTED,
  avoids: [],
  processor: { make: ({ machine }) => new TwoStageProcessor(machine), hostMemoryBytes: secondStageBytes },
};

/** The same, for guests that may ask for event channels. */
export const hardwareAssistedWithEvents: PrivilegedAxis = {
  ...hardwareAssisted,
  name: 'VS-mode, two-stage translation, SBI and events by hypercall',
  handlings: HARDWARE_ASSISTED_WITH_EVENTS,
  processor: { make: (setup) => new PvhProcessor(setup), hostMemoryBytes: secondStageBytes },
  isDiscovered: true,
};

/** The kernel runs without privilege: its privileged instructions, traps and page tables are the hypervisor's work. */
export const trapAndEmulate: PrivilegedAxis = {
  ...hypercalls,
  name: 'trap and emulate, shadow page tables, SBI by hypercall',
  handlings: TRAP_AND_EMULATE,
  avoids: [],
  processor: { make: ({ machine }) => new TrapAndEmulate(machine), hostMemoryBytes: shadowBytes },
};

/** The kernel asks for what takes privilege, and its traps are bounced to where it says. */
export const paravirtual: PrivilegedAxis = {
  ...hypercalls,
  name: 'paravirtual: hypercalls, direct paging',
  handlings: PARAVIRTUAL,
  avoids: ['page-table-write', 'address-space-switch', 'translation-flush'],
  processor: {
    make: (setup) => new PvProcessor(setup),
    hostMemoryBytes: pvHostBytes,
    reservedBytes: startOfDayBytes,
  },
};

/** The interrupt controller is hardware. */
export const directInterrupts: InterruptAxis = {
  name: 'real interrupt controller and timer',
  handlings: DIRECT_INTERRUPTS,
  avoids: [],
  wait: (host, hart) => host.waitForInterrupt(hart),
  preempt: () => {},
  raise: (host, source, line) => host.inject(source, line, FREE),
  timer: (host, line) => host.inject('timer', line, FREE),
};

/**
 * The interrupt controller is emulated: a device interrupt that finds the guest running takes it out first, and raising it in the
 * guest is work. `wfi` exits. The timer is Sstc's, which the hardware delivers to a guest without an exit.
 */
export const emulatedInterrupts: InterruptAxis = {
  name: 'emulated interrupt controller, hardware timer',
  handlings: EMULATED_INTERRUPTS,
  avoids: [],
  wait: (host, hart) => {
    host.exit(hart, 'wfi', host.costs.primitives.wfi);
    host.waitForInterrupt(hart);
  },
  preempt: (host, hart) => host.exit(hart, 'preempt', host.costs.primitives.preempt),
  raise: (host, source, line) => {
    host.leaveGuest('external', host.costs.primitives.external);
    host.inject(source, line, host.costs.primitives.inject);
  },
  timer: (host, line) => host.inject('timer', line, FREE),
};

/** As {@link emulatedInterrupts}, and the timer is the hypervisor's too: when it expires it takes the guest out. */
export const emulatedInterruptsAndTimer: InterruptAxis = {
  ...emulatedInterrupts,
  name: 'emulated interrupt controller and timer',
  handlings: EMULATED_INTERRUPTS_AND_TIMER,
  timer: (host, line) => {
    host.leaveGuest('timer', host.costs.primitives.timerExit);
    host.inject('timer', line, host.costs.primitives.inject);
  },
};

/** An event for a port finds the guest running, or not. */
function sendEvent(host: ExitHost, source: string, port: number): void {
  host.leaveGuest('external', host.costs.primitives.external);
  host.inject(source, port, host.costs.primitives.eventSend);
}

/** There is no interrupt controller: timers and devices send events, which the guest lets in by a store to a shared page. */
export const eventChannels: InterruptAxis = {
  ...emulatedInterrupts,
  name: 'event channels',
  handlings: EVENT_CHANNELS,
  avoids: ['interrupt-mask', 'interrupt-unmask', 'interrupt-acknowledge'],
  send: sendEvent,
  timer: (host, line) => host.timerExpired(line),
};

/**
 * A guest that asks for events has its devices by ports, and its upcalls in hardware; one that does not finds the interrupt controller that it
 * knows. The timer is the hart's own.
 */
export const eventChannelsBesideController: InterruptAxis = {
  ...emulatedInterrupts,
  name: 'event channels, or an emulated interrupt controller; hardware timer',
  handlings: EVENT_CHANNELS_BESIDE_CONTROLLER,
  avoids: ['interrupt-mask', 'interrupt-unmask', 'interrupt-acknowledge'],
  send: sendEvent,
  upcall: (host, vcpu, isRemote) => {
    const { inject, remoteHart } = host.costs.primitives;
    host.inject('upcall', vcpu, isRemote ? remoteHart : inject);
  },
};

/** Device registers are hardware; the timeline still shows each access, with what the bus takes. */
export const directDevices: DeviceAxis = {
  name: 'real devices',
  deviceSet: 'both',
  handlings: DIRECT_DEVICES,
  avoids: [],
  access: (host, hart, _device, register) => host.serveAccess(hart, register, host.costs.primitives.nativeAccess),
};

/** The register that a driver kicks a ring with: hypervisors end that exit in the kernel and leave the work to another thread. */
const DOORBELL = 'QueueNotify';

/**
 * Hypervisors emulate the interrupt controller themselves, since they raise interrupts through it: none of its registers is a matter of the
 * device model in user space.
 */
const CONTROLLER = 'plic';

/** The one that claims and completes interrupts (PLIC specification, "Interrupt Claim Process"): `claim[context]`. */
const CLAIM = 'claim[';

/** What an access to a register costs that rings have no doorbell for: claims and completions have prices of their own. */
function registerPrice(host: ExitHost, device: string, register: string | undefined, isWrite: boolean): ExitCost {
  const { primitives } = host.costs;
  if (device !== CONTROLLER || register === undefined) return primitives.mmioUser;
  if (!register.startsWith(CLAIM)) return primitives.mmioKernel;
  return isWrite ? primitives.irqComplete : primitives.irqClaim;
}

/**
 * Every device register exits: ring notifications and those of the interrupt controller end in the hypervisor, all others in the user-space
 * device model.
 */
export const trappedDevices: DeviceAxis = {
  name: 'rings, other registers emulated',
  deviceSet: 'rings',
  handlings: TRAPPED_DEVICES,
  avoids: ['ring-publish'],
  access: (host, hart, device, register, isWrite) => {
    const isDoorbell = register === DOORBELL;
    const price = isDoorbell ? host.costs.primitives.mmioKernel : registerPrice(host, device, register, isWrite);
    host.serveAccess(hart, register, price);
  },
};

/** A guest that came for a plain machine's devices, and has drivers for rings too. */
export const ringsBesideRegisters: DeviceAxis = {
  ...trappedDevices,
  name: 'rings beside emulated registers',
  deviceSet: 'both',
};

/** Nothing but RAM can be mapped: devices are rings that the guest connects to by calls, so that no access to a register exits. */
export const deviceCalls: DeviceAxis = {
  name: 'rings over grants, by calls',
  deviceSet: 'calls',
  handlings: DEVICE_CALLS,
  avoids: ['ring-publish'],
  access: (host, hart, _device, register) => host.serveAccess(hart, register, host.costs.primitives.mmioUser),
};

/** A plain machine's devices, for guests that know nothing else: every register exits, most to the user-space device model. */
export const emulatedDevices: DeviceAxis = {
  name: 'emulated registers',
  deviceSet: 'emulated',
  handlings: EMULATED_DEVICES,
  avoids: [],
  access: (host, hart, device, register, isWrite) => {
    host.serveAccess(hart, register, registerPrice(host, device, register, isWrite));
  },
};
