/**
 * The library: everything that the command line is made of, without files, terminals or clocks, so that it also runs in a browser.
 *
 * Running, recording and replaying are one loop, {@link Session}, with two ports: an input source and an observer. Bytes come from and
 * go to the caller. Nothing here reads a clock, a file, the environment or a random number: the same arguments give the same run.
 *
 * ```ts
 * import { EngineMachine, NoInput, RUN_DEFAULTS, Session, createRecorder, recordedProfiles } from 'paratrace';
 *
 * const config = { ...RUN_DEFAULTS, guest: { name: 'guest.elf', sizeBytes, sha256 }, initrd: undefined, drives: [] };
 * const images = { guest: bytes, initrd: undefined, drives: [] };
 * const trace: Uint8Array[] = [];
 * const observer = createRecorder({ config, images, ...recordedProfiles(config) }, (chunk) => trace.push(chunk));
 * const console = { write: (stream, bytes) => {} };
 * const session = new Session(config, images, { input: new NoInput(), observer, console }, (c) => new EngineMachine(c));
 * while (session.run(10_000_000) === 'sliced');
 * session.end; // reason, status, message, cycle, icount
 * ```
 *
 * Operating errors are {@link ParatraceError} with a code of {@link ERROR_CODES}; an {@link AssertionError} is a bug of this package.
 */

// What happened: events, their text and JSON, statistics.
export { describeEvent, eventToJson, type JsonEvent, whatHappened } from './analysis/describe.ts';
export { ASPECT_NAMES, ASPECTS, type AspectName, SEMANTIC_IGNORES } from './analysis/diff/aspects.ts';
export { diffToJson } from './analysis/diff/diff-json.ts';
export { type DiffWords, describeDiff, diffSentences } from './analysis/diff/diff-text.ts';
export { type DiffOptions, diffTraces, type TraceDiff } from './analysis/diff/trace-diff.ts';
export { describeDivergence } from './analysis/divergence-text.ts';
export type { EventNames } from './analysis/names.ts';
export { SBI_NAMES } from './analysis/sbi-names.ts';
export {
  computeStatistics,
  type HartRow,
  type ReasonRow,
  type RingRow,
  type RunStatistics,
} from './analysis/stat.ts';
export { type Symbolize, symbolsOf } from './analysis/symbols.ts';
// What a recorded run would have cost in another mode.
export type { Basis, ItemName, PredictedItem } from './analysis/whatif/items.ts';
export type { PredictableTrace } from './analysis/whatif/recorded-run.ts';
export {
  PREDICTION_VERSION,
  type Prediction,
  TARGET_MODES,
  type TargetMode,
  whatif,
} from './analysis/whatif/whatif.ts';
// Failures.
export { AssertionError } from './assert.ts';
export {
  ERROR_CODES,
  type ErrorCode,
  type ErrorPlace,
  EXIT_CODE,
  type ExitCode,
  formatError,
  ParatraceError,
} from './errors.ts';
// Golden traces.
export { type CompareOptions, compareGolden, type GoldenFiles } from './golden/compare-golden.ts';
export { pricesOf, type RecordedTrace, type RunPlan, recordRun } from './golden/record-again.ts';
export { type GoldenResult, type GoldenStatus, headlineOf, REPORTERS, reportGoldens } from './golden/result.ts';
export { textDigest } from './golden/text-digest.ts';
export {
  COST_PRIMITIVE_NAMES,
  COST_PRIMITIVES,
  COST_PROFILE_NAMES,
  type CostFact,
  type CostPrimitive,
  type CostProfile,
  type CostStatus,
  costProfile,
  DEFAULT_COST_PROFILE,
  type ExitCost,
  parseUserProfile,
  recordedProfile,
  sourceOf,
  statusOf,
  totalCycles,
} from './hypervisor/costs.ts';
export {
  costOf,
  EVENT_KINDS,
  EVENT_STAMP,
  type EventKind,
  type EventOf,
  type EventStamp,
  isPriced,
  type PricedEvent,
  type VmEvent,
} from './hypervisor/events.ts';
// The machine and what it costs.
export { CORE_PROFILES, type CoreProfile, CYCLE_CLASSES, type CycleClass } from './machine/core-profiles.ts';
export { createMachine, ENGINE_CHOICES, type EngineChoice } from './machine/create-machine.ts';
export { EngineMachine } from './machine/machine.ts';
export { ENGINE_NAMES, type EngineName, type Machine, type MachineConfig } from './machine/machine-types.ts';
// Recording and replaying.
export { createRecorder, type RecordedRun } from './recorder/recorder.ts';
export { tee } from './recorder/tee.ts';
export { RecordingExhausted, ReplayChecker, type Verified } from './replayer/checker.ts';
export {
  type DivergenceReport,
  type FieldDifference,
  type Happening,
  ReplayDivergence,
} from './replayer/divergence.ts';
export { Replay, type ReplayPorts, type ReplayProfiles } from './replayer/replay.ts';
export { ReplayInput } from './replayer/replay-input.ts';
// The session.
export {
  type ImageRef,
  MODE_NAMES,
  type ModeName,
  type NetConfig,
  type RunConfig,
  type RunImages,
} from './session/config.ts';
export { LiveInput, NoInput, ScriptInput } from './session/inputs.ts';
export { MarkedInput, type WantedMark } from './session/marks.ts';
export {
  type ConsoleSink,
  type ConsoleStream,
  END_REASONS,
  type EndReason,
  type InputPort,
  type InputRecord,
  type InputSource,
  type Observer,
  type Position,
  type RecordPort,
  type RunEnd,
  type StateDigest,
} from './session/ports.ts';
export { RUN_DEFAULTS, type RunSettings } from './session/run-defaults.ts';
export { Session, type SessionPorts, type SliceResult } from './session/session.ts';
export { type AsyncByteSource, type AsyncTraceReader, openTraceAsync } from './trace/async-reader.ts';
// The trace.
export { type ByteSource, memorySource } from './trace/byte-source.ts';
export { checkTrace, type TraceCheck } from './trace/check-trace.ts';
export type { RecordedCounters, RecordedDigest, RecordedInput } from './trace/chunk-list.ts';
export type { ByteSink } from './trace/chunk-writer.ts';
export { type FindImage, resolveImages } from './trace/images.ts';
export { type EventFilter, type OpenOptions, openTrace, type ReadableUpTo, type TraceReader } from './trace/reader.ts';
export { recordedProfiles } from './trace/recorded-profiles.ts';
export { packTrace, repairTrace, unpackTrace } from './trace/rewrite.ts';
export { FORMAT_VERSION, type TraceExcerpt, type TraceHeader, type TraceTotals } from './trace/schema.ts';
export { trimTrace, windowOf } from './trace/trim.ts';
export type { WindowClock } from './trace/window-clocks.ts';
export { TraceWriter } from './trace/writer.ts';
// The report.
export { renderDiff } from './viz/diff-page.ts';
export { type ReportOptions, renderReport } from './viz/report.ts';
export { buildTimelineModel, type ReportFacts, type TimelineModel } from './viz/timeline-model.ts';
export { renderTraceReport, reportFacts, type TraceReportOptions } from './viz/trace-report.ts';
