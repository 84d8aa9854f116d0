/**
 * Marks of the guest (docs/abi.md, "Marks"): an extension of our own in the SBI's experimental range, served in every mode that has an SBI.
 * The name comes in registers, so that a guest can mark a place before it has set anything up.
 */
import { failure, type SbiExtension, success } from './sbi-types.ts';

const NAME_REGISTERS = 3;
const BYTES_PER_REGISTER = 8;

export const MARK: SbiExtension = {
  eid: 0x0850_564d,
  name: 'PVM',
  functions: {
    0: {
      name: 'mark',
      args: ['name0', 'name1', 'name2', 'value'],
      cost: 'hypercallKernel',
      handler: (host, caller, args) => {
        const label = labelOf(args.slice(0, NAME_REGISTERS));
        if (label === undefined) return failure('INVALID_PARAM');
        host.mark(caller, label, args[NAME_REGISTERS] ?? 0n);
        return success();
      },
    },
  },
};

/** The characters in the bytes of the registers, lowest first, up to the first that is zero. Undefined unless all are printable ASCII. */
function labelOf(registers: readonly bigint[]): string | undefined {
  let label = '';
  for (let index = 0; index < NAME_REGISTERS * BYTES_PER_REGISTER; index++) {
    const register = registers[Math.floor(index / BYTES_PER_REGISTER)] ?? 0n;
    const byte = Number((register >> BigInt(8 * (index % BYTES_PER_REGISTER))) & 0xffn);
    if (byte === 0) break;
    if (byte < 0x20 || byte > 0x7e) return undefined;
    label += String.fromCharCode(byte);
  }
  return label === '' ? undefined : label;
}
