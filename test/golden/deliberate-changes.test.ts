/**
 * What the goldens say of deliberate changes: a price, a ring notification that is dropped, a register that a handler reads in place of another.
 * Each is made through a seam of the run, none in a file. The sentences stand in `docs/golden-traces.md`; after a change of them or of
 * what the guest does: `UPDATE_DOCS=1 npx vitest run --project core test/golden/deliberate-changes.test.ts`; accepting goldens does it too.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fillTables } from '../../scripts/doc-tables.ts';
import { must } from '../../src/assert.ts';
import { planGoldens } from '../../src/cli/golden/golden-folder.ts';
import { type JobHost, runGoldenJob } from '../../src/cli/golden/golden-job.ts';
import type { RunPlan } from '../../src/golden/record-again.ts';
import { type GoldenResult, reportGoldens } from '../../src/golden/result.ts';
import type { CostPrimitive } from '../../src/hypervisor/costs.ts';
import { createMachine } from '../../src/machine/create-machine.ts';
import type { Machine, MachineConfig } from '../../src/machine/machine-types.ts';
import { FakeHost, paratrace, Scratch } from '../cli/fake-host.ts';

const DOCUMENT = new URL('../../docs/golden-traces.md', import.meta.url);
const MANIFEST = fileURLToPath(new URL('../../traces/golden.json', import.meta.url));

/** The goldens of the repository as they are without a change, accepted into a folder of their own. */
const scratch = new Scratch();
beforeAll(async () => {
  copyFileSync(MANIFEST, scratch.path('golden.json'));
  for (const name of ['ring-tour-full', 'ring-tour-pvh', 'ring-tour-hvm']) {
    expect((await paratrace(['golden', 'accept', scratch.path(`${name}.pvt`)])).code).toBe(0);
  }
});
afterAll(() => scratch.remove());

const A0 = 10;
const A1 = 11;
const A7 = 17;
const DBCN = 0x4442434en;
const QUEUE_NOTIFY = 0x50;

/** The verdict on a golden when the run is changed. */
function verify(name: string, change: Partial<JobHost>): GoldenResult {
  const { jobs } = planGoldens([scratch.path(`${name}.pvt`)], { ignore: [], accepts: false });
  const host = { engineCode: new FakeHost().engineCode };
  const job = must(jobs[0], 'a golden');
  expect(runGoldenJob(job, host).result.status).toBe('same');
  return runGoldenJob(job, { ...host, ...change }).result;
}

/** The prices with one primitive dearer. */
function dearer(primitive: CostPrimitive, cycles: number): (plan: RunPlan) => RunPlan {
  return (plan) => {
    const { handling, ...cost } = plan.costs.primitives[primitive];
    const changed = { ...cost, handling: { ...handling, cycles: handling.cycles + cycles } };
    return { ...plan, costs: { ...plan.costs, primitives: { ...plan.costs.primitives, [primitive]: changed } } };
  };
}

/** A machine on which the n-th write (from 1) to the doorbell of a device is lost. */
function withoutNotification(device: string, nth: number): (config: MachineConfig) => Machine {
  return (config) => {
    const machine = createMachine(config, 'interpreter');
    const attach = machine.attach.bind(machine);
    let count = 0;
    machine.attach = (attached) => {
      if (attached.name === device) {
        const write = attached.write.bind(attached);
        attached.write = (offset, size, value) => {
          if (offset === QUEUE_NOTIFY) count += 1;
          if (offset !== QUEUE_NOTIFY || count !== nth) write(offset, size, value);
        };
      }
      attach(attached);
    };
    return machine;
  };
}

/** A machine whose handler of debug console calls finds a0 where it looks for a1, and a1 where it looks for a0. */
function withSwappedArguments(config: MachineConfig): Machine {
  const machine = createMachine(config, 'interpreter');
  for (const hart of machine.harts) {
    const [whole, low, high] = [hart.x.bind(hart), hart.xLow.bind(hart), hart.xHigh.bind(hart)];
    const swapped = (index: number) => {
      if (index !== A0 && index !== A1) return index;
      return whole(A7) === DBCN ? A0 + A1 - index : index;
    };
    hart.x = (index) => whole(swapped(index));
    hart.xLow = (index) => low(swapped(index));
    hart.xHigh = (index) => high(swapped(index));
  }
  return machine;
}

const CHANGES = {
  price: once(() => verify('ring-tour-full', { alter: dearer('shadowFill', 100) })),
  notification: once(() => verify('ring-tour-pvh', { createMachine: withoutNotification('virtio6', 16) })),
  register: once(() => verify('ring-tour-hvm', { createMachine: withSwappedArguments })),
};

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

describe('a deliberate change is named by kind, place and size:', () => {
  it('one price', () => {
    const { status, sentences } = CHANGES.price();
    expect(status).toBe('changed');
    expect(sentences[0]).toMatch(/^header: costProfile\..*shadowFill/);
    expect(sentences[1]).toMatch(
      /^first difference: exit shadow-fill \(event [\d,]+, cycle [\d,]+, hart 0, pc 0x[0-9a-f]+\): handlingCycles ([\d,]+) -> ([\d,]+) \(\+100\)$/,
    );
    expect(sentences[2]).toMatch(
      /^exit shadow-fill: handlingCycles [\d,]+ -> [\d,]+ \(\+100 each\) in (\d+) of \1; [\d,]+ more cycles in all$/,
    );
    expect(sentences.at(-1)).toMatch(/^the run ends [\d,]+ cycles later/);
  });

  it('one notification of a ring', () => {
    const { status, sentences } = CHANGES.notification();
    expect(status).toBe('changed');
    expect(sentences[0]).toMatch(
      /^first difference: notify virtio6 queue 1 \(event [\d,]+, cycle [\d,]+, hart 0, pc 0x[0-9a-f]+\) is missing from now$/,
    );
    expect(sentences).toContainEqual(expect.stringMatching(/^notify virtio6 queue 1: 1 fewer \(\d+ -> \d+\)/));
    expect(sentences).toContainEqual(expect.stringMatching(/^ring virtio6 queue 1: notifications \d+ -> \d+ \(-1\)/));
  });

  it('one register for another in a handler', () => {
    const { status, sentences } = CHANGES.register();
    expect(status).toBe('changed');
    expect(sentences[0]).toMatch(
      /^first difference: hypercall DBCN\.debug_console_write \(event [\d,]+, cycle [\d,]+, hart 0, pc 0x[0-9a-f]+\): arg0 0x[0-9a-f]+ -> 0x[0-9a-f]+, arg1 /,
    );
    expect(sentences).toContainEqual(expect.stringMatching(/^hypercall DBCN\.debug_console_write: .*error 0x0 -> -\d/));
  });

  it('and stands in the documentation', () => {
    const blocks = Object.entries(CHANGES).map(([name, make]): [string, string] => {
      const report = reportGoldens([make()], 'text').split('\n').slice(0, -2).join('\n');
      return [name, `\`\`\`\n${report}\n\`\`\``];
    });
    const document = readFileSync(DOCUMENT, 'utf8');
    const updated = fillTables('docs/golden-traces.md', document, new Map(blocks));
    const updates = process.env.UPDATE_DOCS === '1' || process.env.UPDATE_GOLDENS === '1';
    if (updates && !process.env.CI) writeFileSync(DOCUMENT, updated);
    else expect(document).toBe(updated);
  });
});
