/** The table of modes, by name. A mode is added here and nowhere else. */
import { ParatraceError } from '../../errors.ts';
import {
  deviceCalls,
  directDevices,
  directInterrupts,
  emulatedDevices,
  emulatedInterrupts,
  emulatedInterruptsAndTimer,
  eventChannels,
  eventChannelsBesideController,
  firmwareCalls,
  hardwareAssisted,
  hardwareAssistedWithEvents,
  paravirtual,
  ringsBesideRegisters,
  trapAndEmulate,
  trappedDevices,
} from './axes.ts';
import type { Mode } from './mode.ts';

const native: Mode = {
  name: 'native',
  about: 'no hypervisor: real devices and interrupts; SBI by firmware for guests that start in S-mode',
  entries: ['m', 's'],
  privileged: firmwareCalls,
  interrupts: directInterrupts,
  devices: directDevices,
};

const full: Mode = {
  name: 'full',
  about: 'full virtualization: the kernel runs without privilege, over shadow page tables; every register is emulated',
  entries: ['s'],
  privileged: trapAndEmulate,
  interrupts: emulatedInterruptsAndTimer,
  devices: emulatedDevices,
};

const hvm: Mode = {
  name: 'hvm',
  about: 'hardware-assisted: VS-mode and two-stage translation; every device register is emulated',
  entries: ['s'],
  privileged: hardwareAssisted,
  interrupts: emulatedInterrupts,
  devices: emulatedDevices,
};

const hvmPv: Mode = {
  name: 'hvm-pv',
  about: 'hardware-assisted, for guests with paravirtual drivers: rings beside the emulated devices',
  entries: ['s'],
  privileged: hardwareAssisted,
  interrupts: emulatedInterrupts,
  devices: ringsBesideRegisters,
};

const pvh: Mode = {
  name: 'pvh',
  about: 'hardware-assisted, for guests with paravirtual drivers and interrupts: rings, event channels, the SBI',
  entries: ['s'],
  privileged: hardwareAssistedWithEvents,
  interrupts: eventChannelsBesideController,
  devices: trappedDevices,
};

const pv: Mode = {
  name: 'pv',
  about: 'paravirtual: the kernel runs without privilege and knows it: hypercalls, direct paging, event channels',
  isParavirtual: true,
  entries: ['s'],
  privileged: paravirtual,
  interrupts: eventChannels,
  devices: deviceCalls,
};

export const MODES: Readonly<Record<string, Mode>> = { native, full, hvm, 'hvm-pv': hvmPv, pvh, pv };

/**
 * The mode of that name.
 * @throws ParatraceError `usage.option` for an unknown name, or a privilege that the mode cannot start a guest in.
 */
export function modeByName(name: string, entry: 'm' | 's'): Mode {
  const mode = Object.hasOwn(MODES, name) ? MODES[name] : undefined;
  if (mode === undefined) {
    throw new ParatraceError('usage.option', `unknown mode '${name}'; the modes are ${Object.keys(MODES).join(', ')}`);
  }
  if (!mode.entries.includes(entry)) {
    throw new ParatraceError('usage.option', `mode '${name}' cannot start a guest with '--entry ${entry}'`);
  }
  return mode;
}
