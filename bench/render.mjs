/** Turns measurements into the tables of docs/performance.md. */
import { renderModes } from './modes.mjs';
import { median, ratios, spread, table } from './numbers.mjs';
import { COMPUTE, COMPUTE_RECORDING_PERCENT, LONG_SECONDS, UBOOT_RECORDING_PERCENT } from './workloads.mjs';

/** `facts.short`: start-up weighs so much that goals are left out. */
export function renderResults({ facts, columns: shown, guests, uboot, modes, start, memory, curves }) {
  const hasSteady = guests.some(({ columns }) => Object.values(columns).some(({ few }) => few.length > 0));
  return [
    factsLine(facts),
    ...(guests.length === 0 && uboot === undefined
      ? []
      : [ratioTable(facts, guests, uboot), wholeTable(shown, guests, uboot)]),
    ...(hasSteady ? [steadyTable(shown, guests), costTable(shown, guests, uboot), pathTable(shown, guests)] : []),
    ...(modes === undefined ? [] : [renderModes(modes, facts)]),
    ...(start === undefined ? [] : [startTable(shown, start)]),
    ...(memory === undefined ? [] : [memoryTable(memory)]),
    ...(curves === undefined ? [] : [curveTable(curves)]),
  ].join('\n\n');
}

function factsLine({ cpu, node, qemu, command, rounds, longRounds, minutes, parts, loadBefore, loadAfter }) {
  const roundsOf = { 'long runs': longRounds, memory: 1 };
  const inParts = Object.entries(parts).map(
    ([part, taken]) => `${part}: ${roundsOf[part] ?? rounds} in ${taken.toFixed(1)}`,
  );
  return [
    `${cpu}, Node ${node}, QEMU ${qemu}.`,
    `\`${command}\`: ${minutes.toFixed(1)} minutes. Rounds and minutes of ${inParts.join(', ')}.`,
    `Load average ${loadBefore.toFixed(1)} before and ${loadAfter.toFixed(1)} after.`,
  ].join(' ');
}

/** Seconds that the additional iterations took, by round. */
function steady({ many, few }) {
  return few.map((seconds, round) => many[round] - seconds);
}

/** The same of a long run over a short one, the median of those because the lengths have rounds of their own. */
function longSteady({ long, many }) {
  return long.map((seconds) => seconds - median(many));
}

function section(title, note, text) {
  return `### ${title}\n\n${note}\n\n${text}`;
}

function ratioTable({ short }, guests, uboot) {
  const judged = (values, goal) => `${spread(values)}${short ? '' : verdict(median(values) >= goal, goal, values)}`;
  const rows = guests.map(({ name, about, columns: { rr, record }, goal = {} }) => [
    `${name}: ${about}`,
    goal.whole?.toFixed(1) ?? '',
    judged(ratios(rr.many, record.many), goal.whole),
    judged(ratios(rr.long, record.long), goal.whole),
    goal.steady?.toFixed(1) ?? '',
    judged(ratios(steady(rr), steady(record)), goal.steady),
    judged(ratios(longSteady(rr), longSteady(record)), goal.steady),
  ]);
  if (uboot !== undefined) {
    const { rr, record } = uboot.prompt;
    rows.push(['U-Boot: power-on to prompt', '1.0', judged(ratios(rr, record), 1), '', '', '', '']);
  }
  return section(
    'Recording against QEMU’s recording',
    `How many times as fast as \`-icount shift=0,rr=record\`, while recording with the translator. Whole processes: short runs, which take QEMU about a second, and long runs of so many times as many iterations that they take it ${LONG_SECONDS} seconds and more. Steady rates: a short run less one of an eighth of its iterations, and a long run less a short one. A goal is for both.`,
    table(['guest', 'goal', 'short run', 'long run', 'steady goal', 'steady, short', 'steady, long'], rows),
  );
}

function verdict(isMet, goal, values) {
  if (goal === undefined || values.length === 0) return '';
  return isMet ? ', met' : ', missed';
}

function wholeTable(shown, guests, uboot) {
  const rows = guests.flatMap(({ name, instructions, columns }) => [
    wholeRow(shown, name, instructions.many, (id) => columns[id].many),
    ...(instructions.long === undefined
      ? []
      : [wholeRow(shown, `${name}, long`, instructions.long, (id) => columns[id].long)]),
  ]);
  if (uboot !== undefined) {
    rows.push(['U-Boot to its prompt', '', ...shown.map(({ id }) => spread(uboot.prompt[id]))]);
    rows.push(['U-Boot, six commands', '', ...shown.map(({ id }) => spread(uboot.session[id]))]);
  }
  return section(
    'Whole processes',
    'Seconds of wall time from start to end.',
    table(['guest', 'million instructions', ...shown.map(({ title }) => title)], rows),
  );
}

function wholeRow(shown, name, instructions, times) {
  return [name, (instructions / 1e6).toFixed(0), ...shown.map(({ id }) => spread(times(id)))];
}

function steadyTable(shown, guests) {
  const rows = guests.flatMap(({ name, instructions: { few, many, long }, columns }) => [
    steadyRow(shown, name, many - few, (id) => steady(columns[id])),
    ...(long === undefined ? [] : [steadyRow(shown, `${name}, long`, long - many, (id) => longSteady(columns[id]))]),
  ]);
  return section(
    'Steady rate',
    'Million guest instructions a second once everything is warm. The guest’s own instructions count for every column; what firmware under QEMU executes for an SBI call is not added. Of a short run less an eighth of it, and of a long run less a short one.',
    table(['guest', ...shown.map(({ title }) => title)], rows),
  );
}

function steadyRow(shown, name, instructions, times) {
  const cells = shown.map(({ id }) => {
    const mips = times(id).map((seconds) => instructions / seconds / 1e6);
    return spread(mips, median(mips) < 10 ? 1 : 0);
  });
  return [name, ...cells];
}

function costTable(shown, guests, uboot) {
  const row = (name, times, goal, { traceBytes, recordBytes }) => {
    const over = ratios(times.record, times.run).map((ratio) => (ratio - 1) * 100);
    const again = ratios(times.replay, times.record);
    const judged = `${spread(over, 1)}${verdict(median(over) <= goal, goal, over)}`;
    return [name, goal?.toFixed(0) ?? '', judged, spread(again), kib(traceBytes), kib(recordBytes)];
  };
  const rows = guests.map((guest) => {
    const times = Object.fromEntries(shown.map(({ id }) => [id, guest.columns[id].many]));
    return COMPUTE.includes(guest.name)
      ? row(`${guest.name} (compute)`, times, COMPUTE_RECORDING_PERCENT, guest)
      : row(guest.name, times, guest.goal?.recording, guest);
  });
  if (uboot !== undefined) rows.push(row('U-Boot, six commands', uboot.session, UBOOT_RECORDING_PERCENT, uboot));
  return section(
    'What recording and replaying cost',
    'Recording over `run` in percent of wall time, replay over recording, both with the translator and over whole short runs; bytes of the trace and of QEMU’s recording. A trace holds its guest’s image; QEMU’s recording does not.',
    table(['guest', 'at most, %', 'recording, %', 'replay / record', 'trace, KiB', 'QEMU’s, KiB'], rows),
  );
}

function kib(bytes) {
  if (bytes === undefined) return '-';
  return (bytes / 1024).toFixed(0);
}

function pathTable(shown, guests) {
  const rows = guests
    .filter(({ path }) => path !== undefined)
    .map(({ path, many, few, columns }) => {
      const nanoseconds = ({ id }) =>
        steady(columns[id]).map((seconds) => (seconds / (many - few) / path.perIteration) * 1e9);
      return [path.what, ...shown.map((column) => spread(nanoseconds(column), 0))];
    });
  return section(
    'Paths to the hypervisor',
    'Nanoseconds each, with the few instructions of the loop around them. A doorbell’s round trip is a notification, a wait, an interrupt, its claim, acknowledgement and completion.',
    table(['path', ...shown.map(({ title }) => title)], rows),
  );
}

function startTable(shown, start) {
  const rows = shown.map(({ id, title }) => [title, spread(start[id].beginMs, 0), spread(start[id].endMs, 0)]);
  return section(
    'Start',
    'Milliseconds from the start of the process to the first guest instruction, and to the end of a guest that does nothing.',
    table(['', 'first instruction', 'end'], rows),
  );
}

function memoryTable({ guest, peaks }) {
  const rows = peaks.map(({ title, peakMiB }) => [title, peakMiB.toFixed(0)]);
  return section(
    'Memory',
    `Peak resident MiB with the guest \`${guest}\`, which touches 64 MiB.`,
    table(['', 'MiB'], rows),
  );
}

function curveTable({ times, curves }) {
  const rows = curves.map(({ guest, engine, rounds }) => [
    `${guest}, ${engine}`,
    ...times.map((_, index) => {
      const reached = rounds.flatMap((retired) => (retired[index] === undefined ? [] : [retired[index] / 1e6]));
      return reached.length === 0 ? '-' : spread(reached, 0);
    }),
  ]);
  return section(
    'Warm-up',
    'Million instructions retired by a time after the start of the process.',
    table(['guest, engine', ...times.map((ms) => `${ms / 1000} s`)], rows),
  );
}
