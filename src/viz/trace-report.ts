/** From a trace to its report: the facts of the header, the model of the events, the page. */
import { type EventNames, ringName } from '../analysis/names.ts';
import { ParatraceError } from '../errors.ts';
import { CONSOLE_QUEUE } from '../hypervisor/backends/console-backend.ts';
import { NET_QUEUE } from '../hypervisor/backends/net-wire.ts';
import { recordedProfile, totalCycles } from '../hypervisor/costs.ts';
import { PV_NET_NAME, pvBlockName } from '../hypervisor/pv/devices/pv-device.ts';
import { VIRTIO_PLACES } from '../hypervisor/vm-config.ts';
import { virtioSlot } from '../machine/platform/memory-map.ts';
import type { RunConfig } from '../session/config.ts';
import type { TraceReader } from '../trace/reader.ts';
import type { StepPrices } from './category-emulation.ts';
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
  const { prices, problem } = stepPrices(trace);
  const facts = { ...reportFacts(trace), unpriced: problem };
  const model = buildTimelineModel(trace.events(), facts, options.names, prices);
  return renderReport(model, options);
}

/** Prices of what events stand for under emulation; if the trace has no profile that says, why not. */
function stepPrices({ header }: TraceReader): {
  readonly prices: StepPrices | undefined;
  readonly problem: string | undefined;
} {
  try {
    const { primitives } = recordedProfile(header.costProfile, header.config.costs);
    return { prices: (primitive) => totalCycles(primitives[primitive]), problem: undefined };
  } catch (error) {
    if (!(error instanceof ParatraceError)) throw error;
    return { prices: undefined, problem: error.message };
  }
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
    ringRoles: ringRoles(header.config),
    unpriced: undefined,
    truncated:
      problem === undefined
        ? undefined
        : `${capitalized(problem.message)}. The timeline shows the ${groupDigits(readableUpTo.events)} events before offset ${groupDigits(readableUpTo.offset)}.`,
  };
}

/** What each ring of the machine is for: its virtio devices have fixed places. */
function ringRoles({ drives, net }: RunConfig): Readonly<Record<string, string>> {
  const roles: Record<string, string> = {};
  const add = (slot: number, queue: number, role: string): void => {
    roles[ringName(virtioSlot(slot).name, queue)] = role;
  };
  for (let drive = 0; drive < drives.length; drive += 1) {
    add(VIRTIO_PLACES.firstDrive + drive, 0, 'block');
    roles[ringName(pvBlockName(drive), 0)] = 'block';
  }
  if (net !== undefined) {
    add(VIRTIO_PLACES.network, NET_QUEUE.receive, 'network in');
    add(VIRTIO_PLACES.network, NET_QUEUE.transmit, 'network out');
    for (const device of ['e1000', PV_NET_NAME]) {
      roles[ringName(device, NET_QUEUE.receive)] = 'network in';
      roles[ringName(device, NET_QUEUE.transmit)] = 'network out';
    }
  }
  add(VIRTIO_PLACES.console, CONSOLE_QUEUE.receive, 'console in');
  add(VIRTIO_PLACES.console, CONSOLE_QUEUE.transmit, 'console out');
  add(VIRTIO_PLACES.entropy, 0, 'entropy');
  return roles;
}

function capitalized(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
