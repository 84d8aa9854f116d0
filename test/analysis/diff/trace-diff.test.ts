/** What a comparison of two traces says, on small made-up ones and on real runs. */
import { describe, expect, it } from 'vitest';
import { type AspectName, SEMANTIC_IGNORES } from '../../../src/analysis/diff/aspects.ts';
import { diffToJson } from '../../../src/analysis/diff/diff-json.ts';
import { describeDiff, diffSentences } from '../../../src/analysis/diff/diff-text.ts';
import { diffTraces } from '../../../src/analysis/diff/trace-diff.ts';
import { SBI_NAMES } from '../../../src/analysis/sbi-names.ts';
import type { VmEvent } from '../../../src/hypervisor/events.ts';
import type { RunConfig } from '../../../src/session/config.ts';
import { RUN_DEFAULTS } from '../../../src/session/run-defaults.ts';
import { openTrace, type TraceReader } from '../../../src/trace/reader.ts';
import { TraceWriter } from '../../../src/trace/writer.ts';

const GUEST = { name: 'g.elf', sizeBytes: 0, sha256: '0'.repeat(64) };
const CONFIG: RunConfig = { ...RUN_DEFAULTS, guest: GUEST, initrd: undefined, drives: [] };
const WORDS = { names: SBI_NAMES, sides: ['a', 'b'], symbols: [() => undefined, () => undefined] } as const;
const EXIT_CYCLES = 1000;

/** Events by short names, each 10 instructions after what the one before it was charged. */
class Run {
  readonly events: VmEvent[] = [];
  #cycle = 0;
  #icount = 0;
  #charged = 0;

  exit(reason: string, handlingCycles = EXIT_CYCLES): this {
    const cost = { entryCycles: 100, handlingCycles, returnCycles: 100 };
    return this.#add({ kind: 'exit', ...this.#stamp(), ...cost, reason }, handlingCycles + 200);
  }

  call(fid: bigint, error: bigint, value: bigint): this {
    const cost = { entryCycles: 100, handlingCycles: 400, returnCycles: 100 };
    const args = { arg0: 1n, arg1: 0n, arg2: 0n, arg3: 0n, arg4: 0n, arg5: 0n };
    const work = { tableWrites: 0, rootLoads: 0, flushes: 0 };
    return this.#add(
      { kind: 'hypercall', ...this.#stamp(), ...cost, eid: 0x10n, fid, ...args, error, value, ...work },
      600,
    );
  }

  notify(availIndex: number): this {
    return this.#add({ kind: 'notify', ...this.#stamp(), device: 'virtio1', queue: 0, availIndex, waiting: 1 });
  }

  repeat(times: number, add: (run: this, time: number) => void): this {
    for (let time = 0; time < times; time += 1) add(this, time);
    return this;
  }

  trace(config: Partial<RunConfig> = {}, costProfile = {}): TraceReader {
    const parts: Uint8Array[] = [];
    const header = { config: { ...CONFIG, ...config }, costProfile, coreProfile: {} };
    const writer = new TraceWriter((bytes) => parts.push(bytes), header);
    for (const event of this.events) writer.event(event);
    const { cycle, icount } = this.#stamp();
    writer.digest({ cycle, icount, memory: 1n, harts: 2n, devices: 3n });
    writer.end({ cycle, icount, reason: 'poweroff', status: 0, message: 'off' });
    return openTrace(new Uint8Array(Buffer.concat(parts)));
  }

  #stamp() {
    this.#cycle += 10 + this.#charged;
    this.#icount += 10;
    this.#charged = 0;
    return { cycle: this.#cycle, icount: this.#icount, hart: 0, pc: 0x8000_0000n };
  }

  #add(event: VmEvent, charged = 0): this {
    this.events.push(event);
    this.#charged = charged;
    return this;
  }
}

const compare = (left: TraceReader, right: TraceReader, ignore: readonly AspectName[] = []) =>
  diffTraces(left, right, { ignore, names: SBI_NAMES });

describe('a comparison of two traces', () => {
  const base = () => new Run().repeat(50, (run, time) => run.exit('wfi').call(3n, 0n, 1n).notify(time));

  it('finds nothing between a trace and itself', () => {
    const diff = compare(base().trace(), base().trace());
    expect([diff.same, diff.first, diff.placesTotal, diff.kinds, diff.rings]).toEqual([true, null, 0, [], []]);
    expect(describeDiff(diff, WORDS).at(-1)).toBe('same');
    expect(diffSentences(diff, WORDS)).toEqual([]);
  });

  it('takes a changed price for one change, and says how much later that makes the rest', () => {
    const dearer = new Run().repeat(50, (run, time) =>
      run
        .exit('wfi', EXIT_CYCLES + 7)
        .call(3n, 0n, 1n)
        .notify(time),
    );
    const diff = compare(base().trace(), dearer.trace());
    expect(diff.first).toMatchObject({
      left: { number: 0 },
      changes: [{ field: 'handlingCycles', left: 1000, right: 1007 }],
    });
    expect(diff.kinds).toEqual([
      expect.objectContaining({
        kind: 'exit',
        what: 'wfi',
        left: 50,
        right: 50,
        leftCycles: 60_000,
        rightCycles: 60_350,
      }),
    ]);
    expect(diff.events).toMatchObject({ later: 100, changed: 50, onlyLeft: 0, onlyRight: 0 });
    const sentences = diffSentences(diff, WORDS);
    expect(sentences).toContain(
      'exit wfi: handlingCycles 1,000 -> 1,007 (+7 each) in 50 of 50; 350 more cycles in all',
    );
    expect(sentences.at(-1)).toBe('the run ends 350 cycles later (91,510 -> 91,860): hypervisor +350');
    // Nothing new happened in between.
    expect(compare(base().trace(), dearer.trace(), ['costs']).placesTotal).toBe(1);
    expect(compare(base().trace(), dearer.trace(), SEMANTIC_IGNORES).same).toBe(true);
  });

  it('names what is missing, on which ring, and what follows on either side', () => {
    const without = new Run().repeat(50, (run, time) => {
      run.exit('wfi').call(3n, 0n, 1n);
      if (time !== 20) run.notify(time);
    });
    const diff = compare(base().trace(), without.trace());
    expect(diff.events).toMatchObject({ onlyLeft: 1, onlyRight: 0 });
    expect(diff.first?.left?.event).toMatchObject({ kind: 'notify', availIndex: 20 });
    expect(diff.first?.after[0][0]).toMatchObject({ kind: 'exit' });
    expect(diff.first?.after[1][0]).toMatchObject({ kind: 'exit' });
    expect(diff.first?.before).toHaveLength(5);
    const sentences = diffSentences(diff, WORDS);
    expect(sentences[0]).toMatch(/^first difference: notify virtio1 queue 0 \(event 62, .*\) is missing from b$/);
    expect(sentences).toContain('notify virtio1 queue 0: 1 fewer (50 -> 49)');
    expect(sentences).toContain('ring virtio1 queue 0: notifications 50 -> 49 (-1)');
  });

  it('shows fields that were swapped, with both values', () => {
    const swapped = new Run().repeat(50, (run, time) => run.exit('wfi').call(3n, 1n, 0n).notify(time));
    const diff = compare(base().trace(), swapped.trace(), SEMANTIC_IGNORES);
    expect(diffSentences(diff, WORDS)).toEqual([
      'first difference: hypercall BASE.probe_extension (event 1, cycle 1,220, hart 0, pc 0x80000000): error 0x0 -> 0x1, value 0x1 -> 0x0',
      'hypercall BASE.probe_extension: error 0x0 -> 0x1, the first of them in 50 of 50; value 0x1 -> 0x0, the first of them in 50 of 50',
    ]);
    expect(compare(base().trace(), swapped.trace(), [...SEMANTIC_IGNORES, 'results']).same).toBe(true);
  });

  it('names configuration and prices first', () => {
    const right = base().trace({ mode: 'hvm' }, { primitives: { mmio: { entry: { cycles: 6 } } } });
    const left = base().trace({}, { primitives: { mmio: { entry: { cycles: 5 } } } });
    const diff = compare(left, right);
    expect(diffSentences(diff, WORDS)).toEqual([
      'header: mode pvh -> hvm',
      'header: costProfile.primitives.mmio.entry.cycles 5 -> 6 (+1)',
    ]);
    expect(compare(left, right, ['header']).same).toBe(true);
    expect(diffSentences(compare(left, right, ['costs']), WORDS)).toEqual(['header: mode pvh -> hvm']);
  });

  it('is plain JSON', () => {
    const swapped = new Run().call(3n, -2n, 0n);
    const json = JSON.parse(
      JSON.stringify(diffToJson(compare(new Run().call(3n, 0n, 1n).trace(), swapped.trace()), WORDS)),
    );
    expect(json.first.changes).toEqual([
      { field: 'error', left: '0x0', right: '-2' },
      { field: 'value', left: '0x1', right: '0x0' },
    ]);
    expect(json.first.left).toMatchObject({ number: 0, call: 'BASE.probe_extension', errorName: 'SBI_SUCCESS' });
    expect(json.sides).toEqual(['a', 'b']);
  });
});
