/** Memory of the host and virtualized harts of two machines in step: what is asked is asked of the first, what is done is done to both. */
import { assert } from '../assert.ts';
import type { PlainState } from './bus.ts';
import type {
  CsrOutcome,
  GuestTrap,
  HostMemory,
  SecondStageFault,
  TableMode,
  Virtualization,
  VirtualizationKind,
} from './virtualization-types.ts';

/** Both machines must have answered alike. */
function same<T>(first: T, second: T): T {
  assert(first === second, 'the engine tiers answer alike');
  return first;
}

export class MirroredHostMemory implements HostMemory {
  readonly base: number;
  readonly sizeBytes: number;
  readonly #first: HostMemory;
  readonly #second: HostMemory;

  constructor(first: HostMemory, second: HostMemory) {
    this.base = first.base;
    this.sizeBytes = first.sizeBytes;
    this.#first = first;
    this.#second = second;
  }

  get freePages(): number {
    return this.#first.freePages;
  }

  allocate(pageCount?: number): number | undefined {
    return same(this.#first.allocate(pageCount), this.#second.allocate(pageCount));
  }

  free(pa: number): void {
    this.#first.free(pa);
    this.#second.free(pa);
  }

  pteNumber(pa: number): number {
    return same(this.#first.pteNumber(pa), this.#second.pteNumber(pa));
  }

  pteFlags(pa: number): number {
    return same(this.#first.pteFlags(pa), this.#second.pteFlags(pa));
  }

  writePte(pa: number, pageNumber: number, flags: number): void {
    this.#first.writePte(pa, pageNumber, flags);
    this.#second.writePte(pa, pageNumber, flags);
  }

  state(): PlainState {
    return this.#first.state();
  }
}

export class MirroredVirtualization implements Virtualization {
  readonly #first: Virtualization;
  readonly #second: Virtualization;

  constructor(first: Virtualization, second: Virtualization) {
    this.#first = first;
    this.#second = second;
  }

  get guestTrap(): GuestTrap {
    return this.#first.guestTrap;
  }

  get secondStageFault(): SecondStageFault {
    return this.#first.secondStageFault;
  }

  start(hart: number, kind: VirtualizationKind): void {
    this.#first.start(hart, kind);
    this.#second.start(hart, kind);
  }

  setSecondStage(hart: number, root: number | undefined, vmid?: number): void {
    this.#first.setSecondStage(hart, root, vmid);
    this.#second.setSecondStage(hart, root, vmid);
  }

  setRoot(hart: number, privilege: 0 | 1, root: number | undefined, space: number, mode?: TableMode): void {
    this.#first.setRoot(hart, privilege, root, space, mode);
    this.#second.setRoot(hart, privilege, root, space, mode);
  }

  setDirectCounters(hart: number, mask: number): void {
    this.#first.setDirectCounters(hart, mask);
    this.#second.setDirectCounters(hart, mask);
  }

  countFirstUses(hart: number, mapPa: number): void {
    this.#first.countFirstUses(hart, mapPa);
    this.#second.countFirstUses(hart, mapPa);
  }

  forgetFirstUses(mapPa: number, pa: number, entryCount: number): void {
    this.#first.forgetFirstUses(mapPa, pa, entryCount);
    this.#second.forgetFirstUses(mapPa, pa, entryCount);
  }

  enterTrap(hart: number, cause: number, tvalLow: number, tvalHigh: number, isInterrupt?: boolean): boolean {
    return same(
      this.#first.enterTrap(hart, cause, tvalLow, tvalHigh, isInterrupt),
      this.#second.enterTrap(hart, cause, tvalLow, tvalHigh, isInterrupt),
    );
  }

  reflectTrap(hart: number): boolean {
    return same(this.#first.reflectTrap(hart), this.#second.reflectTrap(hart));
  }

  retire(hart: number): void {
    this.#first.retire(hart);
    this.#second.retire(hart);
  }

  sret(hart: number): boolean {
    return same(this.#first.sret(hart), this.#second.sret(hart));
  }

  emulateCsr(hart: number): CsrOutcome {
    return same(this.#first.emulateCsr(hart), this.#second.emulateCsr(hart));
  }

  beginAccess(hart: number, gpa: number): boolean {
    return same(this.#first.beginAccess(hart, gpa), this.#second.beginAccess(hart, gpa));
  }

  store(hart: number, pa: number): boolean {
    return same(this.#first.store(hart, pa), this.#second.store(hart, pa));
  }

  flushAddress(hart: number, vaLow: number, vaHigh: number): void {
    this.#first.flushAddress(hart, vaLow, vaHigh);
    this.#second.flushAddress(hart, vaLow, vaHigh);
  }

  flushSpace(hart: number, space: number): void {
    this.#first.flushSpace(hart, space);
    this.#second.flushSpace(hart, space);
  }

  flushPage(hart: number, pa: number): void {
    this.#first.flushPage(hart, pa);
    this.#second.flushPage(hart, pa);
  }
}
