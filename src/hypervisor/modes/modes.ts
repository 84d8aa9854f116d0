/** The table of modes, by name. A mode is added here and nowhere else. */
import { ParatraceError } from '../../errors.ts';
import {
  directDevices,
  directInterrupts,
  emulatedInterrupts,
  firmwareCalls,
  hypercalls,
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

const pvh: Mode = {
  name: 'pvh',
  about:
    'paravirtual: SBI by hypercall, devices as rings, interrupts injected; two-stage translation is not modelled yet',
  entries: ['s'],
  privileged: hypercalls,
  interrupts: emulatedInterrupts,
  devices: trappedDevices,
};

export const MODES: Readonly<Record<string, Mode>> = { native, pvh };

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
