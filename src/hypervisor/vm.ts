/**
 * A virtual machine: the board around a machine, and the loop that runs its harts in turns, serves what they stop for and lets time
 * jump when all of them wait.
 *
 * The loop may be left at any stop and entered again without any effect on the run: everything it decides follows from cycles,
 * instruction counts and guest state, never from how often it was entered. A guest never notices how long a slice was.
 */

import { must } from '../assert.ts';
import { IRQ } from '../machine/bus.ts';
import { type Hart, type Machine, type MachineConfig, STOP, type StopReason } from '../machine/machine-types.ts';
import { TIMEBASE_HZ } from '../machine/platform/memory-map.ts';
import type { StateSink } from '../machine/state-sink.ts';
import { AvoidedExits } from './avoided-exits.ts';
import { Board } from './board.ts';
import { type BootedGuest, bootGuest, resumeSupervisor } from './boot.ts';
import { ConsoleInput, EMPTY_POLLS_WAITING } from './console-input.ts';
import { type CostProfile, costProfile } from './costs.ts';
import { planDevices } from './device-plan.ts';
import { type Ending, finisherEnding, resetEnding, tohostEnding } from './endings.ts';
import { ROW_KINDS } from './event-row.ts';
import { EventStream } from './event-stream.ts';
import { Exits } from './exits.ts';
import { HartStates, HSM_STATE } from './harts.ts';
import { IrqLines } from './irq-lines.ts';
import type { Mode } from './modes/mode.ts';
import { modeByName } from './modes/modes.ts';
import type { VirtualProcessor } from './modes/virtual-processor.ts';
import { deadEnd, interruptsOff, place, SpinWatch, stuckTrap } from './progress.ts';
import { SeededBytes } from './random.ts';
import { RingEventStream } from './ring-event-stream.ts';
import { SbiServices } from './sbi-services.ts';
import { Schedule } from './schedule.ts';
import { StealTime } from './steal-time.ts';
import { type Turn, Turns } from './turns.ts';
import { machineConfig, type VmConfig, type VmImages } from './vm-config.ts';
import type { ConsoleStream, EndReason, InputRecord, Position, RunEnd, VmPorts } from './vm-ports.ts';

const NEVER = Number.POSITIVE_INFINITY;

/**
 * Why {@link Vm.run} came back. `reached`: the cycle asked for. `needs-input`: every hart waits, and only input that has not come
 * could wake one: the run cannot go on without it. `polls-input`: the guest does nothing but poll for input that has not come; it
 * can go on, and time passes for it, but a live host had better wait a moment.
 */
export type VmStop = 'reached' | 'needs-input' | 'polls-input' | 'ended';

export interface VmOptions {
  readonly config: VmConfig;
  readonly images: VmImages;
  readonly ports: VmPorts;
  readonly createMachine: (config: MachineConfig) => Machine;
  /** What exits cost; by default the profile of the package that `config` names. */
  readonly costs?: CostProfile;
}

export class Vm {
  readonly machine: Machine;
  readonly guest: BootedGuest;
  readonly #ports: VmPorts;
  readonly #mode: Mode;
  /** Undefined where the guest has the machine to itself. */
  readonly #processor: VirtualProcessor | undefined;
  readonly #events: EventStream;
  readonly #exits: Exits;
  readonly #harts: HartStates;
  readonly #turns: Turns;
  readonly #schedule: Schedule;
  readonly #board: Board;
  readonly #input: ConsoleInput;
  readonly #random: SeededBytes;
  /** Undefined where nobody withholds harts. */
  readonly #stealTime: StealTime | undefined;
  /** STIP of each hart when last looked at. */
  readonly #timerLevels: boolean[];
  #timersStale = true;
  /** Cycle of the next timer, as of the last look. */
  #timerCycle = 0;
  readonly #watch: SpinWatch;
  #ending: Ending | undefined;
  /** Where input was last asked to come by itself. Not part of the state: it is how often the loop was left that decides. */
  #askedCycle = -1;
  #askedIcount = -1;
  readonly #isRunnable = (hart: number): boolean => this.#harts.isRunnable(hart);
  /** Empty polls when last looked at: only a guest that has just polled can be said to do nothing else. */
  #pollsSeen = 0;
  /** Empty polls when the caller was last told of them. Not part of the state either. */
  #pollsTold = 0;

  /** @throws ParatraceError for a configuration or an image that cannot work. */
  constructor({ config, images, ports, createMachine, costs = costProfile(config.costs) }: VmOptions) {
    this.#ports = ports;
    this.#mode = modeByName(config.mode, config.entry);
    const { processor } = this.#mode.privileged;
    const machine = createMachine(machineConfig(config));
    this.machine = machine;
    this.#harts = new HartStates(config.hartCount, config.entry === 'm' ? config.hartCount : 1);
    this.#turns = new Turns(config.hartCount, config.quantumCycles);
    this.#watch = new SpinWatch(config.quantumCycles);
    this.#timerLevels = machine.harts.map(() => false);
    this.#events = new EventStream(machine, ports.observer);
    const avoided = new AvoidedExits(this.#events);
    this.#schedule = new Schedule(machine.clock);
    this.#random = new SeededBytes(config.seed);
    this.#input = new ConsoleInput({
      source: ports.input,
      clock: machine.clock,
      taken: (record) => this.#inputTaken(record),
    });
    this.#stealTime = processor === undefined ? undefined : this.#makeStealTime();
    const sbi = this.#sbiServices();
    this.#exits = new Exits({
      machine,
      costs,
      events: this.#events,
      avoided,
      sbi,
      currentHart: () => this.#turns.current,
      wait: (hart) => this.#wait(hart),
      yieldTurn: () => this.#turns.giveUp(this.machine.clock.cycle),
      supervisorCall: (hart) => this.#mode.privileged.supervisorCall(this.#exits, hart),
      deviceAccess: (hart) => this.#serveAccess(hart),
      timerChanged: () => this.#timerChanged(),
      timerExpired: (hart) => must(this.#processor, 'a virtualized hart').timerExpired?.(this.#exits, hart),
      stuck: (hart) => void this.#end('stuck', 1, stuckTrap(machine, hart)),
    });
    const devices = planDevices(this.#mode.devices.deviceSet, config, images);
    const { interrupts } = this.#mode;
    const lines = new IrqLines((source, line) => interrupts.raise(this.#exits, source, line));
    const ringEvents = new RingEventStream({
      events: this.#events,
      currentHart: () => this.#turns.current,
      avoids: this.#mode.devices.avoids.length > 0,
    });
    this.#board = new Board({
      machine,
      config,
      images,
      devices,
      schedule: this.#schedule,
      events: ringEvents,
      random: this.#random,
      input: this.#input,
      output: (stream, bytes) => this.#output(stream, bytes),
      lines,
      finish: (request) => {
        this.#ending ??= finisherEnding(request);
      },
    });
    const reservedBytes = processor?.reservedBytes?.(config.memoryBytes) ?? 0;
    const tree = { devices, hypervisor: this.#mode.privileged.isDiscovered === true };
    this.guest = bootGuest(machine, config, images, tree, reservedBytes, (lengthBytes) =>
      this.#random.next(lengthBytes),
    );
    this.#processor = processor?.make({
      machine,
      config,
      guest: this.guest,
      costs,
      sbi,
      images,
      schedule: this.#schedule,
      events: ringEvents,
      avoided,
      addReceiver: (receiver) => this.#board.addReceiver(receiver),
      raised: (source, port) => must(interrupts.send, 'event channels')(this.#exits, source, port),
      upcall: (vcpu, isRemote) => must(interrupts.upcall, 'upcalls')(this.#exits, vcpu, isRemote),
      lines,
      crashed: (message) => void this.#end('stuck', 1, message),
    });
    for (const { id } of machine.harts) this.#processor?.start(id);
  }

  get position(): Position {
    const { cycle, icount } = this.machine.clock;
    return { cycle, icount };
  }

  /** Everything that decides how the run goes on, besides the harts, RAM and what has been asked of the input source. */
  writeState(sink: StateSink): void {
    sink.begin('devices');
    for (const device of this.machine.devices) sink.state(device.name, device);
    sink.end();
    sink.state('harts', this.#harts);
    sink.state('turns', this.#turns);
    sink.state('schedule', this.#schedule);
    sink.state('input', this.#input);
    sink.value('drawnBytes', this.#random.drawnBytes);
    sink.value('timerLevels', this.#timerLevels);
    sink.state('watch', this.#watch);
    const processor = this.#processor;
    if (processor?.writeState !== undefined) {
      sink.begin('processor');
      processor.writeState(sink);
      sink.end();
    }
    if (this.#stealTime?.isUsed) sink.state('stealTime', this.#stealTime);
  }

  /**
   * Runs to the first stop at or after `untilCycle`, however it is reached. Time that all harts wait passes in one jump, which ends at
   * `limitCycle` at the latest and pays no attention to `untilCycle`.
   */
  run(untilCycle: number, limitCycle: number): VmStop {
    for (;;) {
      if (this.#ending) return 'ended';
      if (this.machine.clock.cycle >= untilCycle) return 'reached';
      this.#fireDue();
      if (this.#askForInput()) continue;
      this.#wakeHarts();
      const turn = this.#turns.choose(this.machine.clock.cycle, this.#isRunnable);
      if (turn !== undefined) {
        if (!this.#runTurn(turn, untilCycle)) return 'polls-input';
      } else if (!this.#idle(limitCycle)) {
        return 'needs-input';
      }
    }
  }

  /**
   * Ends the run here and emits its `end`. Called once, by whoever owns the loop.
   * @param otherwise the reason if the guest has not ended by itself
   */
  finish(otherwise?: Ending): RunEnd {
    const ending = must(this.#ending ?? otherwise, 'a run ends for a reason');
    const { reason, status } = ending;
    this.#events.emit('end', this.#turns.current, { reason, status });
    return { ...this.position, ...ending };
  }

  /** Whatever has come due: timers, device work, alarms. */
  #fireDue(): void {
    const { cycle } = this.machine.clock;
    // One that is due when it is written is found in the exit that wrote it, and interrupts nobody.
    if (this.#timersStale) this.#updateTimers();
    else if (cycle >= this.#timerCycle) {
      this.#exits.asynchronously(this.#guestOnCore(), () => this.#updateTimers());
    }
    if (this.#schedule.next() > cycle && this.#board.nextDeadline() > cycle) return;
    this.#exits.asynchronously(this.#guestOnCore(), () => {
      this.#schedule.runDue();
      this.#board.update();
    });
  }

  #updateTimers(): void {
    this.machine.updateTimers();
    this.#timersStale = false;
    this.#timerCycle = this.machine.nextTimerCycle();
    for (let id = 0; id < this.#harts.count; id++) {
      const level = this.machine.isPending(id, IRQ.STIP);
      if (level && !this.#timerLevels[id]) this.#mode.interrupts.timer(this.#exits, id);
      this.#timerLevels[id] = level;
    }
  }

  /** The hart whose guest is on the core, if one is: device work then interrupts it. */
  #guestOnCore(): number | undefined {
    const { current } = this.#turns;
    return this.#harts.isRunnable(current) ? current : undefined;
  }

  /**
   * Input that comes by itself, and its end: exactly once per position at which a guest may run, so that a replay sees the same
   * question. True if serving it took time: then the question comes again, because a host whose slice ends here would ask it.
   */
  #askForInput(): boolean {
    const { cycle, icount } = this.machine.clock;
    if (cycle === this.#askedCycle && icount === this.#askedIcount) return false;
    this.#askedCycle = cycle;
    this.#askedIcount = icount;
    this.#input.checkEnd();
    this.#input.takeMarks();
    if (!this.#board.isReceiverArmed()) return false;
    this.#exits.asynchronously(this.#guestOnCore(), () => {
      this.#board.offerInput((port, maxBytes) => this.#input.push(port, maxBytes));
    });
    // A replay is asked once where a live host, whose harts all wait, may have been asked again.
    if (this.machine.clock.cycle === cycle) this.#input.takeMarks();
    return this.machine.clock.cycle !== cycle;
  }

  #wakeHarts(): void {
    for (let id = 0; id < this.#harts.count; id++) {
      if (!this.#harts.isWaiting(id) || !this.machine.wakePending(id)) continue;
      this.#harts.wake(id);
      this.#stealTime?.ready(id);
      this.#events.send(this.#events.row(ROW_KINDS.wake, id));
    }
  }

  /** No hart wants the processor: time jumps to what is due next. False if only input could help, and there is none yet. */
  #idle(limitCycle: number): boolean {
    const dead = deadEnd(this.machine, this.#harts);
    if (dead !== undefined) return this.#end('stuck', 1, dead);
    if (this.#board.offerInput((port, maxBytes) => this.#input.pull(port, maxBytes))) return true;
    const deadline = Math.min(this.#nextWork(), this.#input.nextCycle());
    if (deadline !== NEVER) {
      const { cycle } = this.machine.clock;
      this.machine.charge(Math.max(0, Math.min(deadline, limitCycle) - cycle));
      return true;
    }
    const waiting = place(this.machine.harts.filter(({ id }) => this.#harts.isWaiting(id)));
    if (!this.#board.isReceiverArmed()) {
      return this.#end('stuck', 1, `${waiting} in wfi, and no timer, device or input is set up to interrupt it`);
    }
    if (this.#input.ended) {
      return this.#end('waits-for-input', 1, `${waiting} waiting for console input, which has ended`);
    }
    this.#askedCycle = -1;
    return false;
  }

  /** Gives the processor to a hart until it stops; if that took time, nothing runs before input was asked for again. False if it does nothing but poll for input that has not come. */
  #runTurn(turn: Turn, untilCycle: number): boolean {
    const hart = must(this.machine.harts[turn.hart], 'a turn is of a hart');
    const { cycle } = this.machine.clock;
    this.#enter(turn);
    if (this.machine.clock.cycle !== cycle) return true;
    const polls = this.#pollsInVain(hart);
    if (polls !== 'goes-on') return polls === 'ends';
    const probes = this.machine.clock.cycle >= this.#watch.nextCycle;
    if (probes) this.#serve(hart, this.#probe(hart, Math.min(untilCycle, this.machine.clock.cycle + 1)));
    else this.#runOn(hart, Math.min(untilCycle, this.#nextStop()));
    if (!this.#harts.isRunnable(hart.id)) this.#turns.leave();
    return true;
  }

  /**
   * Runs a hart to a stop that is not only its own concern, or to `deadline`. Most exits are: where all that {@link run} asks between two
   * entries has the answer that it had before, the hart goes on at once. So how often that happens has no effect on the run.
   */
  #runOn(hart: Hart, deadline: number): void {
    const { machine } = this;
    const { clock } = machine;
    const { id } = hart;
    do {
      const stop = machine.run(id, deadline);
      if (stop === STOP.mmio) this.#serveAccess(id);
      else this.#serve(hart, stop);
    } while (clock.cycle < deadline && this.#nothingElse(id, deadline));
  }

  /** Whether there is nothing to do but to run the hart on: nobody else, nothing new that is due before `deadline`, no input. */
  #nothingElse(hart: number, deadline: number): boolean {
    if (this.#harts.count !== 1 || this.#ending !== undefined || this.#timersStale) return false;
    if (!this.#harts.isRunning(hart) || this.#input.hasChanged || this.#input.emptyPolls !== this.#pollsSeen)
      return false;
    if (this.#schedule.next() < deadline || this.#board.nextDeadline() < deadline) return false;
    return !this.#board.isReceiverArmed();
  }

  /** Runs a hart for one instruction, to see whether it turns on the spot. */
  #probe(hart: Hart, deadline: number): StopReason {
    const { pcLow, pcHigh, retired } = hart;
    const stop = this.machine.run(hart.id, deadline);
    if (stop !== STOP.deadline || hart.retired > retired) {
      const stays = stop === STOP.deadline && hart.pcLow === pcLow && hart.pcHigh === pcHigh;
      const spins = stays && interruptsOff(hart);
      this.#watch.looked(this.machine.clock.cycle, hart.id, spins);
      if (spins) this.#checkSpinning();
    }
    return stop;
  }

  #enter({ hart, from, changed, preempted }: Turn): void {
    if (changed) {
      if (preempted) this.#mode.interrupts.preempt(this.#exits, from);
      this.#events.emit('turn', hart, { from });
      this.#turns.restart(this.machine.clock.cycle);
      if (this.#harts.isRunnable(from)) this.#stealTime?.preempted(from);
    }
    this.#stealTime?.entered(hart);
    if (this.#harts.stateOf(hart) === HSM_STATE.STARTED) return;
    const { resume } = this.#harts.enter(hart);
    if (resume) {
      resumeSupervisor(this.machine, hart, resume);
      this.#processor?.start(hart);
    }
    this.#events.emit('hartState', hart, { target: hart, state: 'started' });
  }

  /** Whether the hart, alone on the machine, has only looked for input for a long time while nothing else is going on. */
  #pollsInVain(hart: Hart): 'goes-on' | 'ends' | 'waits' {
    const { emptyPolls } = this.#input;
    if (emptyPolls === this.#pollsSeen) return 'goes-on';
    this.#pollsSeen = emptyPolls;
    if (emptyPolls < EMPTY_POLLS_WAITING) {
      this.#pollsTold = 0;
      return 'goes-on';
    }
    const timerComes = this.#timerCycle !== NEVER && this.machine.canWake(hart.id);
    const isInterrupted = this.machine.wakePending(hart.id) && !interruptsOff(hart);
    const othersRun = this.#turns.deadline(this.#isRunnable) !== NEVER;
    if (timerComes || isInterrupted || othersRun || this.#schedule.next() !== NEVER) return 'goes-on';
    if (this.#input.ended) {
      this.#end('waits-for-input', 1, `${place([hart])} polling for console input, which has ended`);
      return 'ends';
    }
    if (emptyPolls < this.#pollsTold + EMPTY_POLLS_WAITING) return 'goes-on';
    this.#pollsTold = emptyPolls;
    return 'waits';
  }

  /** Nobody is left to do anything if every hart that runs spins, and none that waits has anything to wait for. */
  #checkSpinning(): void {
    const running = this.machine.harts.filter(({ id }) => this.#harts.isRunnable(id));
    const othersWake = this.machine.harts.some(({ id }) => this.#harts.isWaiting(id)) && this.#nextWork() !== NEVER;
    if (othersWake || !running.every(({ id }) => this.#watch.spins(id))) return;
    this.#end('stuck', 1, `${place(running)} jumping to itself with interrupts off`);
  }

  #serve(hart: Hart, stop: StopReason): void {
    switch (stop) {
      case STOP.mmio:
        this.#serveAccess(hart.id);
        break;
      case STOP.supervisorCall:
        if (this.#processor?.ownCall?.(this.#exits, hart.id) !== true)
          this.#mode.privileged.supervisorCall(this.#exits, hart.id);
        break;
      case STOP.wfi:
        this.#mode.interrupts.wait(this.#exits, hart.id);
        break;
      case STOP.interruptTaken:
        this.#exits.interrupted(hart.id, this.machine.lastInterruptCause);
        break;
      case STOP.timerChanged:
        this.#timerChanged();
        break;
      case STOP.tohost:
        this.#ending ??= tohostEnding(this.machine.tohost);
        break;
      case STOP.stuck:
        this.#end('stuck', 1, stuckTrap(this.machine, hart.id));
        break;
      case STOP.guestTrap:
        must(this.#processor, 'a virtualized hart').guestTrap(this.#exits, hart.id);
        break;
      case STOP.guestInterrupt:
        must(this.#processor, 'a virtualized hart').guestInterrupt(this.#exits, hart.id);
        break;
      case STOP.secondStageFault:
        must(this.#processor, 'a virtualized hart').secondStageFault(this.#exits, hart.id);
        break;
    }
  }

  #serveAccess(hart: number): void {
    const { device, gpa, write } = this.machine.access;
    const { name } = device;
    if (write && name === 'uart0') this.#input.uartWritten();
    this.#mode.devices.access(this.#exits, hart, name, device.registerName(gpa - device.base), write);
  }

  /** Cycle of the next thing that happens without the guest. */
  #nextWork(): number {
    return Math.min(this.#timerCycle, this.#schedule.next(), this.#board.nextDeadline());
  }

  /** Where the hart that runs must stop at the latest. */
  #nextStop(): number {
    const turnEnd = this.#turns.deadline(this.#isRunnable);
    return Math.min(this.#nextWork(), turnEnd, this.#input.nextCycle(), this.#watch.nextCycle);
  }

  #timerChanged(): void {
    this.#timersStale = true;
  }

  #wait(hart: number): void {
    this.#harts.wait(hart);
    this.#events.send(this.#events.row(ROW_KINDS.idle, hart));
  }

  /** The first reason to end counts. True, so that callers can return it: the loop goes on to see it. */
  #end(reason: EndReason, status: number, message: string): true {
    this.#ending ??= { reason, status, message };
    return true;
  }

  #output(stream: ConsoleStream, bytes: Uint8Array): void {
    this.#input.consoleWritten();
    this.#ports.console.write(stream, bytes);
  }

  #inputTaken(record: InputRecord): void {
    this.#events.inOrder(() => this.#ports.observer.input(record));
    if (record.port === 'mark') {
      const label = new TextDecoder().decode(record.bytes);
      this.#events.emit('mark', this.#turns.current, { by: 'user', label, value: 0n });
      return;
    }
    this.#events.emit('input', this.#turns.current, { port: record.port, lengthBytes: record.bytes.length });
  }

  #makeStealTime(): StealTime {
    const { memory, clock, config } = this.machine;
    return new StealTime({
      memory,
      clock,
      cyclesPerSecond: TIMEBASE_HZ * config.core.cyclesPerTick,
      pages: {
        hold: (pa) => this.#processor?.holdShared?.(pa) ?? true,
        release: (pa) => this.#processor?.releaseShared?.(pa),
      },
    });
  }

  #sbiServices(): SbiServices {
    return new SbiServices({
      stealTime: this.#stealTime,
      inputTaken: (maxBytes) => this.#processor?.takeInput?.(maxBytes),
      machine: this.machine,
      harts: this.#harts,
      mode: this.#mode,
      events: this.#events,
      input: this.#input,
      exits: () => this.#exits,
      output: (bytes) => this.#output('dbcn', bytes),
      timerChanged: () => this.#timerChanged(),
      stopped: (hart) => this.#processor?.stopped?.(hart),
      restarted: (hart) => this.#processor?.start(hart),
      reset: (kind, failed) => {
        this.#ending ??= resetEnding(kind, failed);
      },
    });
  }
}
