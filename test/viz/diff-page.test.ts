import { describe, expect, it } from 'vitest';
import { diffTraces } from '../../src/analysis/diff/trace-diff.ts';
import { SBI_NAMES } from '../../src/analysis/sbi-names.ts';
import { RUN_DEFAULTS } from '../../src/session/run-defaults.ts';
import { openTrace } from '../../src/trace/reader.ts';
import { TraceWriter } from '../../src/trace/writer.ts';
import { renderDiff } from '../../src/viz/diff-page.ts';

/** A run of exits for a reason. */
function traceOf(reason: string, handlingCycles: number) {
  const parts: Uint8Array[] = [];
  const guest = { name: 'a<b>.elf', sizeBytes: 0, sha256: '0'.repeat(64) };
  const config = { ...RUN_DEFAULTS, guest, initrd: undefined, drives: [] };
  const writer = new TraceWriter((bytes) => parts.push(bytes), { config, costProfile: {}, coreProfile: {} });
  for (let at = 0; at < 10; at += 1) {
    const stamp = { cycle: at * 2000, icount: at, hart: 0, pc: 0n };
    writer.event({ kind: 'exit', ...stamp, entryCycles: 1, handlingCycles, returnCycles: 1, reason });
  }
  writer.end({ cycle: 20_000, icount: 10, reason: 'poweroff', status: 0, message: 'off' });
  return openTrace(new Uint8Array(Buffer.concat(parts)));
}

const none = () => undefined;
const render = (left: string, right: string) =>
  renderDiff(diffTraces(traceOf(left, 500), traceOf(right, 600), { names: SBI_NAMES }), {
    names: SBI_NAMES,
    sides: ['<left>', 'right'],
    symbols: [none, none],
  });

describe('the page of a comparison of traces', () => {
  it('escapes what comes from traces and file names', () => {
    const html = render('<i>', '"&"');
    expect(html).not.toMatch(/<i>|<left>|a<b>/);
    expect(html).toContain('&lt;i&gt;');
  });

  it('has the first difference with both sides, a table, and bars as long as the cycles', () => {
    const html = render('wfi', 'wfi');
    expect(html).toContain('handlingCycles 500 -&gt; 600 (+100)');
    expect(html.match(/<tr><th scope="row">exit<\/th>/g)).toHaveLength(1);
    const bars = [...html.matchAll(/<rect class="part-hypervisor"[^>]*width="([\d.]+)"/g)].map((bar) => Number(bar[1]));
    expect((bars[1] ?? 0) / (bars[0] ?? 1)).toBeCloseTo(602 / 502, 2);
    expect(render('wfi', 'wfi')).toBe(html);
  });
});
