import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SBI_NAMES } from '../../src/analysis/sbi-names.ts';
import { costProfile, toRecordedCosts } from '../../src/hypervisor/costs.ts';
import { toHeaderObject } from '../../src/trace/messagepack.ts';
import { openTrace } from '../../src/trace/reader.ts';
import type { TraceHeader } from '../../src/trace/schema.ts';
import { TraceWriter } from '../../src/trace/writer.ts';
import { renderTraceReport, reportFacts } from '../../src/viz/trace-report.ts';
import { SYNTHETIC_NAMES, syntheticEvents } from '../support/synthetic-events.ts';
import { HEADER, join } from '../trace/arbitraries.ts';

const OPTIONS = { script: 'void 0', title: 'a.pvt', names: SYNTHETIC_NAMES };

/** Prices as a recorder keeps them. */
const PRICED: TraceHeader = { ...HEADER, costProfile: toHeaderObject(toRecordedCosts(costProfile('rocket-kvm-2023'))) };

function record(header = PRICED): { readonly bytes: Uint8Array; readonly lastCycle: number } {
  const parts: Uint8Array[] = [];
  const writer = new TraceWriter((bytes) => parts.push(bytes.slice()), header);
  const events = syntheticEvents({ seed: 'trace', eventCount: 30_000, hartCount: 2 });
  for (const event of events) writer.event(event);
  const { cycle, icount } = events[events.length - 1] ?? { cycle: 0, icount: 0 };
  writer.end({ cycle: cycle + 50, icount, reason: 'poweroff', status: 0, message: 'the guest powered off' });
  return { bytes: join(parts), lastCycle: cycle };
}

describe('renderTraceReport', () => {
  it('says what the header and the end say', () => {
    const { bytes, lastCycle } = record();
    const trace = openTrace(bytes);
    expect(reportFacts(trace)).toMatchObject({
      guest: 'guest.elf',
      mode: 'pvh',
      costs: 'rocket-kvm-2023',
      core: 'rocket',
      hartCount: 2,
      clockHz: 1e9,
      cycles: lastCycle + 50,
      end: { reason: 'poweroff', status: 0 },
      ringRoles: {
        'virtio0 queue 0': 'block',
        'virtio6 queue 0': 'console in',
        'virtio6 queue 1': 'console out',
        'virtio7 queue 0': 'entropy',
      },
      truncated: undefined,
    });
    const html = renderTraceReport(trace, OPTIONS);
    expect(html).toContain('30,000');
    expect(html).not.toContain('role="alert"');
    expect(renderTraceReport(openTrace(bytes), OPTIONS)).toBe(html);
  });

  it('prices what events stand for as the trace says, and tells if it cannot', () => {
    const trace = openTrace(readFileSync(new URL('../../traces/mini-os-mix-pv.pvt', import.meta.url)));
    const priced = renderTraceReport(trace, { ...OPTIONS, names: SBI_NAMES });
    for (const step of ['csrrci sstatus', 'ATA command', 'sfence.vma']) expect(priced).toContain(step);
    expect(priced).toMatch(/id="emulation-table"[\s\S]*interrupt-mask/);
    const html = renderTraceReport(openTrace(record(HEADER).bytes), OPTIONS);
    expect(html).toContain('What emulation would have cost is not shown.');
  });

  it('shows a trace that was cut off up to there, and says so', () => {
    const { bytes, lastCycle } = record();
    const trace = openTrace(bytes.slice(0, bytes.length * 0.7), { partial: true });
    const facts = reportFacts(trace);
    expect(facts.end).toBeUndefined();
    expect(facts.cycles).toBeGreaterThan(0);
    expect(facts.cycles).toBeLessThan(lastCycle);
    const html = renderTraceReport(trace, OPTIONS);
    expect(html).toContain('The trace is not whole.');
    expect(html).toContain('not recorded');
    const { events } = trace.readableUpTo;
    expect(events).toBeGreaterThan(0);
    expect(html).toContain(`"eventCount":${events}`);
  });
});
