/**
 * An ATA drive behind its task file: the registers that a driver sees, and the protocols of PIO, DMA and commands without data. It is
 * device 0 and alone on its channel. Where the bits lie in guest physical space is a bus's affair (`ata-channel.ts`).
 *
 * A command is checked whole before anything moves: a range past the end moves nothing. One command at a time; while BSY or DRQ is set
 * the command block ignores writes, where the standard leaves the result open.
 * Left out: CHS addresses and everything obsolete, packet commands, READ and WRITE MULTIPLE, power management beyond answering, queues,
 * security, SMART, host protected area.
 */

import type { GuestMemory, IrqLine } from '../../bus.ts';
import type { Stateful, StateSink } from '../../state-sink.ts';
import {
  ATA,
  ATA_COMMAND,
  ATA_CONTROL,
  ATA_ERROR,
  ATA_SECTOR_BYTES,
  ATA_STATUS,
  SECTOR_COMMANDS,
  type SectorCommand,
} from './ata-registers.ts';
import { BusMaster } from './bus-master.ts';
import { DriveFeatures } from './drive-features.ts';
import { identifyData } from './identify.ts';
import { SectorBlock } from './sector-block.ts';
import { TaskFile } from './task-file.ts';

/** Work that takes time: to get to the medium, and to move sectors. */
export interface AtaWork {
  readonly reach: boolean;
  readonly sectors: number;
}

/** The medium of a drive and its time. */
export interface AtaMedium extends Stateful {
  readonly capacitySectors: number;
  /** A copy of `[offset, offset + lengthBytes)`, which lies on the medium. */
  read(offset: number, lengthBytes: number): Uint8Array;
  /** Writes bytes at `offset`; they fit the medium. */
  write(offset: number, bytes: Uint8Array): void;
  /** Calls {@link AtaDrive.proceed} once when the work is done. One work at a time. */
  begin(work: AtaWork): void;
  /** The work will not be asked for again. */
  cancel(): void;
}

export interface AtaDriveOptions {
  readonly medium: AtaMedium;
  readonly memory: GuestMemory;
  readonly irq: IrqLine;
  /** Up to 20 ASCII characters. */
  readonly serial: string;
}

/**
 * Where a command is. `busy`: the medium works; `data-in`, `data-out`: a block waits for the host (DRQ); `dma-wait`: for the bus master;
 * `reset`: software holds SRST.
 */
type Phase = 'idle' | 'busy' | 'data-in' | 'data-out' | 'dma-wait' | 'reset';

/** The command that runs. */
type Job =
  | { readonly kind: SectorCommand['kind']; readonly sector: number; readonly sectors: number }
  | { readonly kind: 'identify' | 'flush' | 'none'; readonly sector: 0; readonly sectors: 0 };

const NO_JOB: Job = { kind: 'none', sector: 0, sectors: 0 };

export class AtaDrive {
  readonly busMaster: BusMaster;
  readonly #medium: AtaMedium;
  readonly #memory: GuestMemory;
  readonly #irq: IrqLine;
  readonly #serial: string;
  readonly #file = new TaskFile();
  #phase: Phase = 'idle';
  #failed = false;
  #error = 0;
  #interruptPending = false;
  #line = false;
  #job: Job = NO_JOB;
  /** Sectors of the job that are done. */
  #done = 0;
  readonly #block = new SectorBlock();
  readonly #features = new DriveFeatures();

  constructor({ medium, memory, irq, serial }: AtaDriveOptions) {
    this.#medium = medium;
    this.#memory = memory;
    this.#irq = irq;
    this.#serial = serial;
    this.busMaster = new BusMaster(memory, (started) => this.#busMasterChanged(started));
    this.#signature();
  }

  /** Status without its effect on the interrupt. Of device 1, which is not there, 0 (ATA/ATAPI-7, "Device 0 only configurations"). */
  get alternateStatus(): number {
    if (!this.#file.isDevice0) return 0;
    const error = this.#failed ? ATA_STATUS.ERR : 0;
    switch (this.#phase) {
      case 'idle':
        return ATA_STATUS.DRDY | ATA_STATUS.DSC | error;
      case 'data-in':
      case 'data-out':
        return ATA_STATUS.DRDY | ATA_STATUS.DSC | ATA_STATUS.DRQ;
      default:
        return ATA_STATUS.BSY;
    }
  }

  /** Reads a register of the command block but Data. */
  readRegister(register: number): number {
    if (register === ATA.Error) return this.#file.isDevice0 ? this.#error : 0;
    if (register !== ATA.Status) return this.#file.read(register);
    const status = this.alternateStatus;
    if (this.#file.isDevice0) this.#setInterrupt(false);
    return status;
  }

  /** Writes a register of the command block but Data. */
  writeRegister(register: number, value: number): void {
    if (this.#phase !== 'idle') return;
    if (register !== ATA.Command) {
      this.#file.write(register, value);
      this.#driveLine();
      return;
    }
    // Only EXECUTE DEVICE DIAGNOSTIC concerns both devices whichever is selected.
    if (!this.#file.isDevice0 && value !== ATA_COMMAND.EXECUTE_DEVICE_DIAGNOSTIC) return;
    this.#setInterrupt(false);
    this.#error = 0;
    this.#failed = false;
    this.#execute(value);
  }

  /** Device Control. A soft reset lasts while SRST is set. */
  writeControl(value: number): void {
    const before = this.#file.control;
    this.#file.control = value;
    if ((value & ATA_CONTROL.SRST) !== 0) this.#enterReset();
    else if ((before & ATA_CONTROL.SRST) !== 0) this.#leaveReset();
    this.#driveLine();
  }

  /** Takes a word, or two, out of the block that waits; 0 if none does. */
  readData(size: 2 | 4): number {
    if (this.#phase !== 'data-in') return 0;
    const value = this.#block.take(size);
    if (this.#block.isDone) this.#blockTaken();
    return value;
  }

  /** Puts a word, or two, into the block that the drive waits for; ignored if it waits for none. */
  writeData(size: 2 | 4, value: number): void {
    if (this.#phase !== 'data-out') return;
    this.#block.put(size, value);
    // The way to the medium is paid with the last block, when all data is there.
    if (this.#block.isDone) this.#work({ reach: this.#done === this.#job.sectors - 1, sectors: 1 });
  }

  /** The medium has done what it was asked for. */
  proceed(): void {
    const job = this.#job;
    switch (job.kind) {
      case 'pio-in':
        this.#offer(this.#medium.read((job.sector + this.#done) * ATA_SECTOR_BYTES, ATA_SECTOR_BYTES));
        break;
      case 'identify':
        this.#offer(this.#identify());
        break;
      case 'pio-out':
        this.#medium.write((job.sector + this.#done) * ATA_SECTOR_BYTES, this.#block.bytes);
        this.#done++;
        if (this.#done === job.sectors) this.#complete();
        else this.#ask(true);
        break;
      case 'dma-in':
      case 'dma-out':
        this.#transfer(job.kind === 'dma-in', job.sector, job.sectors);
        break;
      default:
        this.#complete();
    }
  }

  writeState(sink: StateSink): void {
    sink.state('file', this.#file);
    sink.value('phase', this.#phase);
    sink.value('failed', this.#failed);
    sink.value('error', this.#error);
    sink.value('interruptPending', this.#interruptPending);
    sink.value('job', this.#job);
    sink.value('done', this.#done);
    sink.state('block', this.#block);
    sink.state('features', this.#features);
    sink.state('busMaster', this.busMaster);
    sink.state('medium', this.#medium);
  }

  #execute(command: number): void {
    const sectorCommand = SECTOR_COMMANDS.get(command);
    if (sectorCommand !== undefined) {
      this.#startSectors(sectorCommand);
      return;
    }
    switch (command) {
      case ATA_COMMAND.IDENTIFY_DEVICE:
        this.#start({ kind: 'identify', sector: 0, sectors: 0 }, { reach: false, sectors: 1 });
        break;
      case ATA_COMMAND.FLUSH_CACHE:
      case ATA_COMMAND.FLUSH_CACHE_EXT:
        this.#start({ kind: 'flush', sector: 0, sectors: 0 }, { reach: true, sectors: 0 });
        break;
      case ATA_COMMAND.SET_FEATURES:
        if (this.#features.set(this.#file.features, this.#file.read(ATA.SectorCount))) this.#complete();
        else this.#fail(ATA_ERROR.ABRT);
        break;
      case ATA_COMMAND.EXECUTE_DEVICE_DIAGNOSTIC:
        this.#signature();
        this.#complete();
        break;
      case ATA_COMMAND.CHECK_POWER_MODE:
        // FFh: active or idle.
        this.#file.write(ATA.SectorCount, 0xff);
        this.#complete();
        break;
      case ATA_COMMAND.STANDBY_IMMEDIATE:
      case ATA_COMMAND.IDLE_IMMEDIATE:
        this.#complete();
        break;
      default:
        this.#fail(ATA_ERROR.ABRT);
    }
  }

  #startSectors({ kind, ext }: SectorCommand): void {
    if (!this.#file.isLba) {
      this.#fail(ATA_ERROR.ABRT);
      return;
    }
    const { sector, sectors } = this.#file.range(ext);
    if (sector + sectors > this.#medium.capacitySectors) {
      this.#fail(ATA_ERROR.IDNF);
      return;
    }
    const job: Job = { kind, sector, sectors };
    if (kind === 'pio-in') this.#start(job, { reach: true, sectors: 1 });
    else if (kind === 'verify') this.#start(job, { reach: true, sectors });
    else if (kind === 'pio-out') {
      this.#begin(job);
      this.#ask(false);
    } else {
      this.#begin(job);
      this.#phase = 'dma-wait';
      if (this.busMaster.started) this.#busMasterChanged(true);
    }
  }

  #begin(job: Job): void {
    this.#job = job;
    this.#done = 0;
  }

  #start(job: Job, work: AtaWork): void {
    this.#begin(job);
    this.#work(work);
  }

  #work(work: AtaWork): void {
    this.#phase = 'busy';
    this.#medium.begin(work);
  }

  /** A block for the host to read. Each has its interrupt (ATA/ATAPI-7, "PIO data-in command protocol"). */
  #offer(bytes: Uint8Array): void {
    this.#block.begin(bytes);
    this.#phase = 'data-in';
    this.#setInterrupt(true);
  }

  /** Asks the host for a block. The first comes without an interrupt (ATA/ATAPI-7, "PIO data-out command protocol"). */
  #ask(interrupt: boolean): void {
    this.#block.begin();
    this.#phase = 'data-out';
    if (interrupt) this.#setInterrupt(true);
  }

  /** The host has read a block. The last one was told of already. */
  #blockTaken(): void {
    const { kind, sectors } = this.#job;
    this.#done++;
    if (kind === 'pio-in' && this.#done < sectors) this.#work({ reach: false, sectors: 1 });
    else this.#rest();
  }

  #busMasterChanged(started: boolean): void {
    const { kind, sectors } = this.#job;
    const isDma = kind === 'dma-in' || kind === 'dma-out';
    if (!started) {
      if (!isDma || this.#phase !== 'busy') return;
      // BMIDE 2.1: stopped before its end, a transfer is lost.
      this.#medium.cancel();
      this.#fail(ATA_ERROR.ABRT);
      return;
    }
    if (this.#phase === 'dma-wait') this.#work({ reach: true, sectors });
  }

  #transfer(isIn: boolean, sector: number, sectors: number): void {
    const { busMaster } = this;
    const plan =
      busMaster.toMemory === isIn ? busMaster.plan(sectors * ATA_SECTOR_BYTES) : ({ kind: 'short' } as const);
    if (plan.kind === 'regions') {
      let position = 0;
      for (const { pa, lengthBytes } of plan.regions) {
        this.#move(isIn, sector * ATA_SECTOR_BYTES + position, pa, lengthBytes);
        position += lengthBytes;
      }
      busMaster.finish(plan.exhausted);
      this.#complete();
      return;
    }
    // BMIDE 3.1: a table that is too short ends with active cleared and no error; memory that cannot be reached is one.
    if (plan.kind === 'short') busMaster.finish(true);
    else busMaster.fail();
    this.#fail(ATA_ERROR.ABRT);
  }

  #move(isIn: boolean, offset: number, pa: number, lengthBytes: number): void {
    if (isIn) this.#memory.writeBytes(pa, this.#medium.read(offset, lengthBytes));
    else this.#medium.write(offset, this.#memory.readBytes(pa, lengthBytes));
  }

  #identify(): Uint8Array {
    const { writeCache, lookAhead, transferMode } = this.#features;
    const { capacitySectors } = this.#medium;
    return identifyData({ capacitySectors, serial: this.#serial, writeCache, lookAhead, transferMode });
  }

  #rest(): void {
    this.#phase = 'idle';
    this.#job = NO_JOB;
    this.#done = 0;
  }

  /** A command is over: every one but a read by PIO, whose last block told it already, interrupts. */
  #complete(): void {
    this.#rest();
    this.#setInterrupt(true);
  }

  #fail(error: number): void {
    this.#error = error;
    this.#failed = true;
    this.#complete();
  }

  #enterReset(): void {
    if (this.#phase === 'busy') this.#medium.cancel();
    this.#rest();
    this.#phase = 'reset';
    this.#setInterrupt(false);
  }

  #leaveReset(): void {
    this.#phase = 'idle';
    this.#signature();
  }

  /** What a reset and a diagnostic leave in the task file: an ATA device that passed (ATA8-ACS, "Device signatures"). */
  #signature(): void {
    this.#file.setSignature();
    this.#error = 1;
    this.#failed = false;
  }

  #setInterrupt(pending: boolean): void {
    this.#interruptPending = pending;
    this.#driveLine();
  }

  /** INTRQ is driven while device 0 is selected and nIEN is clear. */
  #driveLine(): void {
    const level = this.#interruptPending && this.#file.isDevice0 && (this.#file.control & ATA_CONTROL.nIEN) === 0;
    if (level && !this.#line) this.busMaster.interrupt();
    this.#line = level;
    this.#irq.set(level);
  }
}
