/** The report's colours, read from its style so that canvas and HTML agree in light and dark. */
import type { EventKind } from '../../hypervisor/events.ts';
import type { HartState } from '../state-lane.ts';

const NAMES = [
  'page',
  'panel',
  'line',
  'grid',
  'text',
  'soft',
  'accent',
  'guest',
  'hypervisor',
  'entry',
  'handling',
  'return',
  'idle',
  'waiting',
  'stopped',
  'hypercall',
  'mmio',
  'exit',
  'inject',
  'interrupt',
  'flight',
  'queued',
  'signal',
  'input',
  'broken',
  'avoided',
  'ghost',
  'select',
] as const;

type ColourName = (typeof NAMES)[number];
export type Palette = Readonly<Record<ColourName, string>>;

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colours = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  return colours as Record<ColourName, string>;
}

/** Colours of hart states, in the order of `HART_STATES`. */
export function stateColour(palette: Palette, state: HartState): string {
  return palette[state];
}

const KIND_COLOUR: Readonly<Record<EventKind, ColourName>> = {
  hypercall: 'hypercall',
  mmio: 'mmio',
  exit: 'exit',
  inject: 'inject',
  interrupt: 'interrupt',
  notify: 'signal',
  take: 'flight',
  complete: 'flight',
  used: 'interrupt',
  broken: 'broken',
  drop: 'broken',
  avoidedExit: 'avoided',
  mark: 'select',
  idle: 'soft',
  wake: 'soft',
  turn: 'soft',
  hartState: 'soft',
  input: 'input',
  end: 'text',
};

export function kindColour(palette: Palette, kind: EventKind): string {
  return palette[KIND_COLOUR[kind]];
}
