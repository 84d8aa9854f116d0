/** The shared-info page, as the hypervisor uses it (docs/abi.md, "Shared-info page"). The guest can write all of it at any time: nothing here is trusted. */
import { assert, must } from '../../assert.ts';
import type { GuestMemory } from '../../machine/bus.ts';
import { SHARED_INFO, VCPU_INFO, type VCPU_TRAP } from './pv-layout.ts';

/** Where a field of a trap record stands: found by name again and again, it would take longer than to write it. */
export type TrapField = (typeof VCPU_TRAP)[keyof typeof VCPU_TRAP];

export class SharedInfo {
  readonly #memory: GuestMemory;
  #place: number | undefined;

  /** @param pa where the page is; undefined: the guest will name it */
  constructor(memory: GuestMemory, pa?: number) {
    this.#memory = memory;
    this.#place = pa;
  }

  /** Physical address of the page; undefined until it is placed. Nothing else may be asked before. */
  get place(): number | undefined {
    return this.#place;
  }

  /** Once. */
  placeAt(pa: number): void {
    assert(this.#place === undefined, 'the shared-info page is placed once');
    this.#place = pa;
  }

  get #pa(): number {
    return must(this.#place, 'a shared-info page that is placed');
  }

  isUpcallPending(vcpu: number): boolean {
    return this.#memory.read8(this.#info(vcpu) + VCPU_INFO.upcallPending) !== 0;
  }

  isUpcallMasked(vcpu: number): boolean {
    return this.#memory.read8(this.#info(vcpu) + VCPU_INFO.upcallMask) !== 0;
  }

  setUpcallMask(vcpu: number, masked: boolean): void {
    this.#memory.write8(this.#info(vcpu) + VCPU_INFO.upcallMask, masked ? 1 : 0);
  }

  isPortPending(port: number): boolean {
    return this.#hasBit(SHARED_INFO.pending, port);
  }

  clearPort(port: number): void {
    this.#setBit(SHARED_INFO.pending, port, false);
  }

  unmaskPort(port: number): void {
    this.#setBit(SHARED_INFO.mask, port, false);
  }

  /** Makes a port pending. Returns whether the vCPU is due for an upcall that it was not due for before. */
  markPort(port: number, vcpu: number): boolean {
    if (this.#hasBit(SHARED_INFO.pending, port)) return false;
    this.#setBit(SHARED_INFO.pending, port, true);
    return this.select(port, vcpu);
  }

  /** Has the vCPU look at a port that is pending, unless the port is masked. Returns as {@link markPort}. */
  select(port: number, vcpu: number): boolean {
    if (this.#hasBit(SHARED_INFO.mask, port)) return false;
    const word = port >>> 6;
    const at = this.#info(vcpu) + VCPU_INFO.pendingSelector + (word >>> 5) * 4;
    const selected = this.#memory.read32(at);
    const bit = 1 << (word & 31);
    if ((selected & bit) !== 0) return false;
    this.#memory.write32(at, (selected | bit) >>> 0);
    if (this.isUpcallPending(vcpu)) return false;
    this.#memory.write8(this.#info(vcpu) + VCPU_INFO.upcallPending, 1);
    return true;
  }

  trapLow(vcpu: number, field: TrapField): number {
    return this.#memory.read32(this.#trap(vcpu) + field);
  }

  trapHigh(vcpu: number, field: TrapField): number {
    return this.#memory.read32(this.#trap(vcpu) + field + 4);
  }

  setTrap(vcpu: number, field: TrapField, low: number, high: number): void {
    this.#memory.writeHalves(this.#trap(vcpu) + field, low, high);
  }

  #info(vcpu: number): number {
    return this.#pa + SHARED_INFO.vcpuInfo + vcpu * SHARED_INFO.vcpuInfoBytes;
  }

  #trap(vcpu: number): number {
    return this.#pa + SHARED_INFO.vcpuTrap + vcpu * SHARED_INFO.vcpuTrapBytes;
  }

  #hasBit(array: number, port: number): boolean {
    return (this.#memory.read8(this.#pa + array + (port >>> 3)) & (1 << (port & 7))) !== 0;
  }

  #setBit(array: number, port: number, value: boolean): void {
    const at = this.#pa + array + (port >>> 3);
    const bit = 1 << (port & 7);
    const before = this.#memory.read8(at);
    this.#memory.write8(at, value ? before | bit : before & ~bit);
  }
}
