/** The machine for a choice of engine. */
import { LockstepMachine } from './lockstep-machine.ts';
import { EngineMachine } from './machine.ts';
import type { EngineCodeStore, MachineConfig } from './machine-types.ts';
import { ENGINE_NAMES, TRANSLATOR_DEFAULT } from './machine-types.ts';
import type { RegionCompiler } from './region-compiler.ts';

/** The tiers, and `both`: each slice in both, compared. */
export const ENGINE_CHOICES = [...ENGINE_NAMES, 'both'] as const;
export type EngineChoice = (typeof ENGINE_CHOICES)[number];

/** What shows in wall time only. */
export interface MachineOptions {
  /** Compile translated code while the guest goes on; the host must give the event loop turns. */
  readonly background?: boolean;
  /** Where code of the engine that was generated before may be found. */
  readonly engineCode?: EngineCodeStore;
  /** Another thread to translate on; used with `background` only. */
  readonly regionCompiler?: RegionCompiler | undefined;
}

/**
 * @throws ParatraceError usage.option if the configuration is out of range
 */
export function createMachine(
  config: MachineConfig,
  engine: EngineChoice,
  { background = false, engineCode, regionCompiler }: MachineOptions = {},
): EngineMachine | LockstepMachine {
  const translator = { ...(config.translator ?? TRANSLATOR_DEFAULT), background };
  const offered = {
    ...(engineCode !== undefined && { engineCode }),
    ...(regionCompiler !== undefined && { regionCompiler }),
  };
  return engine === 'both'
    ? new LockstepMachine(config)
    : new EngineMachine({ ...config, ...offered, engine, translator });
}
