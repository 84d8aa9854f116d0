/** The machine for a choice of engine. */
import { LockstepMachine } from './lockstep-machine.ts';
import { EngineMachine } from './machine.ts';
import type { MachineConfig } from './machine-types.ts';
import { ENGINE_NAMES, TRANSLATOR_DEFAULT } from './machine-types.ts';

/** The tiers, and `both`: each slice in both, compared. */
export const ENGINE_CHOICES = [...ENGINE_NAMES, 'both'] as const;
export type EngineChoice = (typeof ENGINE_CHOICES)[number];

/**
 * @param options.background compile translated code while the guest goes on; the host must give the event loop turns
 * @throws ParatraceError usage.option if the configuration is out of range
 */
export function createMachine(
  config: MachineConfig,
  engine: EngineChoice,
  { background = false }: { readonly background?: boolean } = {},
): EngineMachine | LockstepMachine {
  const translator = { ...(config.translator ?? TRANSLATOR_DEFAULT), background };
  return engine === 'both' ? new LockstepMachine(config) : new EngineMachine({ ...config, engine, translator });
}
