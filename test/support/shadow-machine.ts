/** The machine of tests of shadow paging: 2 MiB of guest RAM, and as much of the host's as is asked for. */
import { EngineMachine } from '../../src/machine/machine.ts';
import { PAGE, TEST_CORE, TIERS } from './machine-rig.ts';

export function shadowMachine({ hostPages, hartCount = 1 }: { hostPages: number; hartCount?: number }): EngineMachine {
  return new EngineMachine({
    hartCount,
    memoryBytes: 2 << 20,
    core: TEST_CORE,
    misaligned: 'hardware',
    adUpdate: 'hardware',
    supervisorCallsStop: false,
    hostMemoryBytes: hostPages * PAGE,
    ...TIERS.interpreter,
  });
}
