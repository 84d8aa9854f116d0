/** `paratrace report`: the timeline of a trace as one HTML file. */
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { attempt, checkOutput } from '../host/files.ts';
import { type VerbContext, verb } from './verb.ts';

interface ReportOptions {
  readonly output: string;
}

export function reportVerb({ host, exit }: VerbContext): Command {
  return verb('report', {
    summary: 'write the timeline of a trace as one HTML file',
    description:
      'Writes one self-contained HTML file that works offline: lanes for each hart (guest, hypervisor, idle), for hypercalls, interrupts and each ring with its occupancy, over cycles of the guest clock, and a table of exits by reason.',
    examples: [['paratrace report tour.pvt -o tour.html', 'then open tour.html in a browser']],
    notes: [
      `In the page:
  Wheel or + and - zoom, dragging or arrow keys move, hovering shows details, a click keeps them, ? lists all keys.`,
    ],
  })
    .argument('<trace>', 'a trace that `record` wrote')
    .requiredOption('-o, --output <file>', 'the HTML file to write')
    .action(async (path: string, { output }: ReportOptions) => {
      checkOutput(output, [path]);
      const [{ checkHasAllEvents, inFile, openTraceFile, reportProblem }, { renderTraceReport }, { SBI_NAMES }] =
        await Promise.all([
          import('../open-trace.ts'),
          import('../../viz/trace-report.ts'),
          import('../../analysis/sbi-names.ts'),
        ]);
      const trace = openTraceFile(path);
      checkHasAllEvents(path, trace);
      const options = { script: host.reportProgram(), title: basename(path), names: SBI_NAMES };
      const html = inFile(path, () => renderTraceReport(trace, options));
      attempt(output, 'written', () => writeFileSync(output, html));
      const sizeKib = Math.ceil(Buffer.byteLength(html) / 1024);
      host.stderr.write(`paratrace: report ${output}, ${trace.totals.events} events, ${sizeKib} KiB\n`);
      exit(reportProblem(host, path, trace));
    });
}
