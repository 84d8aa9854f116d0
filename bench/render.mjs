/** Turns measurements into the tables of docs/performance.md. */
import { renderModes } from './modes.mjs';
import { median, ratios, spread, table } from './numbers.mjs';
import { COMPUTE } from './workloads.mjs';

/** `facts.short`: start-up weighs so much that goals are left out. */
export function renderResults({ facts, columns: shown, guests, uboot, modes, start, memory, curves }) {
  const hasSteady = guests.some(({ columns }) => Object.values(columns).some(({ few }) => few.length > 0));
  return [
    `${facts.cpu}, Node ${facts.node}, QEMU ${facts.qemu}. \`${facts.command}\`: ${facts.rounds} rounds in ${facts.minutes.toFixed(1)} minutes; load average ${facts.loadBefore.toFixed(1)} before and ${facts.loadAfter.toFixed(1)} after.`,
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

/** Seconds that the additional iterations took, by round. */
function steady({ many, few }) {
  return few.map((seconds, round) => many[round] - seconds);
}

function section(title, note, text) {
  return `### ${title}\n\n${note}\n\n${text}`;
}

function ratioTable({ short }, guests, uboot) {
  const verdict = short ? () => '' : verdictOn;
  const rows = guests.map(({ name, about, columns, goal = {} }) => {
    const whole = ratios(columns.rr.many, columns.record.many);
    const rate = ratios(steady(columns.rr), steady(columns.record));
    return [`${name}: ${about}`, spread(whole), verdict(whole, goal.whole), spread(rate), verdict(rate, goal.steady)];
  });
  if (uboot !== undefined) {
    const whole = ratios(uboot.prompt.rr, uboot.prompt.record);
    rows.push(['U-Boot: power-on to prompt', spread(whole), verdict(whole, 1), '', '']);
  }
  return section(
    'Recording against QEMU’s recording',
    'How many times as fast as `-icount shift=0,rr=record`, while recording with the translator: whole processes, and the steady rate (a run of many iterations less a run of an eighth of them).',
    table(['guest', 'whole run', 'goal', 'steady', 'goal'], rows),
  );
}

function verdictOn(values, goal) {
  if (goal === undefined || values.length === 0) return '';
  return `${goal.toFixed(1)}: ${median(values) >= goal ? 'met' : 'missed'}`;
}

function wholeTable(shown, guests, uboot) {
  const rows = guests.map(({ name, instructions, columns }) => [
    name,
    (instructions / 1e6).toFixed(0),
    ...shown.map(({ id }) => spread(columns[id].many)),
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

function steadyTable(shown, guests) {
  const rows = guests.map(({ name, instructions, instructionsFew, columns }) => [
    name,
    ...shown.map(({ id }) => {
      const mips = steady(columns[id]).map((seconds) => (instructions - instructionsFew) / seconds / 1e6);
      return spread(mips, median(mips) < 10 ? 1 : 0);
    }),
  ]);
  return section(
    'Steady rate',
    'Million guest instructions a second once everything is warm. The guest’s own instructions count for every column; what firmware under QEMU executes for an SBI call is not added.',
    table(['guest', ...shown.map(({ title }) => title)], rows),
  );
}

function costTable(shown, guests, uboot) {
  const row = (name, times, { traceBytes, recordBytes }) => {
    const over = ratios(times.record, times.run).map((ratio) => (ratio - 1) * 100);
    const again = ratios(times.replay, times.record);
    return [name, spread(over, 1), spread(again), kib(traceBytes), kib(recordBytes)];
  };
  const rows = guests.map((guest) => {
    const times = Object.fromEntries(shown.map(({ id }) => [id, guest.columns[id].many]));
    return row(COMPUTE.includes(guest.name) ? `${guest.name} (compute)` : guest.name, times, guest);
  });
  if (uboot !== undefined) rows.push(row('U-Boot, six commands', uboot.session, uboot));
  return section(
    'What recording and replaying cost',
    'Recording over `run` in percent of wall time, replay over recording, both with the translator and over whole processes; bytes of the trace and of QEMU’s recording. A trace holds its guest’s image; QEMU’s recording does not.',
    table(['guest', 'recording, %', 'replay / record', 'trace, KiB', 'QEMU’s, KiB'], rows),
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
  const rows = curves.map(({ guest, engine, retired }) => [
    `${guest}, ${engine}`,
    ...times.map((_, index) => (retired[index] === undefined ? '-' : (retired[index] / 1e6).toFixed(0))),
  ]);
  return section(
    'Warm-up',
    'Million instructions retired by a time after the start of the process. One run each.',
    table(['guest, engine', ...times.map((ms) => `${ms / 1000} s`)], rows),
  );
}
