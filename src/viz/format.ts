/**
 * Numbers as the report prints them. No locale functions: the same file shows the same text everywhere.
 */

const SI_UNITS = ['', 'k', 'M', 'G', 'T', 'P'] as const;

/** From this many ticks since cycle 0 on, labels are offsets: absolute ones would have more than seven digits. */
const RELATIVE_STEPS = 2_000_000;

/** `1234567` as `1,234,567`. */
export function groupDigits(value: number): string {
  const text = String(Math.round(value));
  return text.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/**
 * A number with an SI unit and at most `digits` significant digits, trailing zeros dropped: `1234567` as `1.235 M`.
 * Below 1,000 no unit is written.
 */
export function formatSi(value: number, digits = 4): string {
  const size = Math.abs(value);
  let unit = 0;
  while (unit < SI_UNITS.length - 1 && Number((size / 1000 ** unit).toPrecision(digits)) >= 1000) unit += 1;
  const mantissa = Number((value / 1000 ** unit).toPrecision(digits));
  const suffix = SI_UNITS[unit] ?? '';
  return suffix === '' ? String(mantissa) : `${mantissa} ${suffix}`;
}

/** Cycles for a tooltip: exact where that is short, with an SI unit beyond. */
export function formatCycles(cycles: number): string {
  return Math.abs(cycles) < 100_000 ? `${groupDigits(cycles)} cycles` : `${formatSi(cycles)} cycles`;
}

/** Guest time of a number of cycles at `clockHz`: `12.3 µs`. */
export function formatGuestTime(cycles: number, clockHz: number): string {
  const seconds = cycles / clockHz;
  if (seconds === 0) return '0 s';
  if (seconds >= 1) return `${Number(seconds.toPrecision(4))} s`;
  if (seconds >= 1e-3) return `${Number((seconds * 1e3).toPrecision(4))} ms`;
  if (seconds >= 1e-6) return `${Number((seconds * 1e6).toPrecision(4))} µs`;
  return `${Number((seconds * 1e9).toPrecision(4))} ns`;
}

/** A share of a whole: `12.3 %`; small but nonzero shares do not read as zero. */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0 || part === 0) return '0 %';
  const percent = (100 * part) / whole;
  if (percent < 0.01) return '< 0.01 %';
  return `${percent >= 10 ? percent.toFixed(1) : percent.toFixed(2)} %`;
}

/** Labels for the ticks of an axis of cycles, all with one unit, and the offset that they are relative to. */
export interface TickLabels {
  /** Written once at the left when the labels are offsets from it; undefined when the labels are absolute. */
  readonly base: number | undefined;
  readonly label: (tick: number) => string;
}

/**
 * How to label ticks `step` apart on `[from, to]`. Far from zero and zoomed in, absolute labels would need a dozen digits that
 * are all equal: then each label is an offset from the first tick, which is named once.
 */
export function tickLabels(from: number, to: number, step: number): TickLabels {
  const relative = step > 0 && from > 0 && to / step > RELATIVE_STEPS;
  if (!relative) {
    const unit = unitFor(to);
    return { base: undefined, label: (tick) => inUnit(tick, unit, step) };
  }
  const base = Math.ceil(from / step) * step;
  const unit = unitFor(to - base);
  return { base, label: (tick) => `+${inUnit(tick - base, unit, step)}` };
}

function unitFor(value: number): number {
  let unit = 0;
  while (unit < SI_UNITS.length - 1 && value >= 1000 ** (unit + 1)) unit += 1;
  return unit;
}

function inUnit(value: number, unit: number, step: number): string {
  if (Math.abs(value) < step / 2) return '0';
  const scale = 1000 ** unit;
  const decimals = Math.min(12, Math.max(0, Math.ceil(-Math.log10(step / scale) - 1e-9)));
  const text = (value / scale).toFixed(decimals);
  const suffix = SI_UNITS[unit] ?? '';
  return suffix === '' ? text : `${text} ${suffix}`;
}
