/** From a trace to its report: the facts of the header, the model of the events, the page. */
import type { EventNames } from '../analysis/names.ts';
import type { TraceReader } from '../trace/reader.ts';
import { groupDigits } from './format.ts';
import { type ReportOptions, renderReport } from './report.ts';
import { buildTimelineModel, type ReportFacts } from './timeline-model.ts';

/** Clock of a core profile that does not name one: the rule of all bundled profiles. */
const CLOCK_HZ_DEFAULT = 1_000_000_000;

export interface TraceReportOptions extends ReportOptions {
  readonly names: EventNames;
}

/**
 * The report of a trace: one self-contained HTML file, the same text for the same trace. A trace that was opened in part gets a
 * banner that says how far it goes.
 * @throws ParatraceError `trace.corrupt` for events that cannot be.
 */
export function renderTraceReport(trace: TraceReader, options: TraceReportOptions): string {
  const model = buildTimelineModel(trace.events(), reportFacts(trace), options.names);
  return renderReport(model, options);
}

/** What a trace says about its run besides the events. */
export function reportFacts(trace: TraceReader): ReportFacts {
  const { header, end, problem, readableUpTo } = trace;
  const { guest, mode, costs, core, hartCount } = header.config;
  const { clockHz } = header.coreProfile;
  return {
    guest: guest.name,
    mode,
    costs,
    core,
    hartCount,
    clockHz: typeof clockHz === 'number' && clockHz > 0 ? clockHz : CLOCK_HZ_DEFAULT,
    cycles: end?.cycle ?? readableUpTo.cycle,
    icount: end?.icount ?? 0,
    end,
    truncated:
      problem === undefined
        ? undefined
        : `${capitalized(problem.message)}. The timeline shows the ${groupDigits(readableUpTo.events)} events before offset ${groupDigits(readableUpTo.offset)}.`,
  };
}

function capitalized(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
