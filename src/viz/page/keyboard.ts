/** Keys of the report. One table, so that the page and its help can be compared. */

export interface KeyActions {
  readonly zoom: (factor: number) => void;
  /** Pan by a fraction of the window. */
  readonly pan: (windows: number) => void;
  readonly showAll: () => void;
  readonly stepLane: (direction: 1 | -1) => void;
  readonly stepEvent: (direction: 1 | -1) => void;
  readonly zoomToSelected: () => void;
  readonly nextTarget: () => void;
  readonly clear: () => void;
  readonly help: () => void;
}

const ZOOM_FACTOR = 1.5;
const PAN_WINDOWS = 0.15;

type KeyAction = (actions: KeyActions) => void;

const KEYS: Readonly<Record<string, KeyAction>> = {
  w: ({ zoom }) => zoom(ZOOM_FACTOR),
  '+': ({ zoom }) => zoom(ZOOM_FACTOR),
  '=': ({ zoom }) => zoom(ZOOM_FACTOR),
  s: ({ zoom }) => zoom(1 / ZOOM_FACTOR),
  '-': ({ zoom }) => zoom(1 / ZOOM_FACTOR),
  a: ({ pan }) => pan(-PAN_WINDOWS),
  ArrowLeft: ({ pan }) => pan(-PAN_WINDOWS),
  d: ({ pan }) => pan(PAN_WINDOWS),
  ArrowRight: ({ pan }) => pan(PAN_WINDOWS),
  ArrowUp: ({ stepLane }) => stepLane(-1),
  ArrowDown: ({ stepLane }) => stepLane(1),
  n: ({ stepEvent }) => stepEvent(1),
  p: ({ stepEvent }) => stepEvent(-1),
  z: ({ zoomToSelected }) => zoomToSelected(),
  e: ({ nextTarget }) => nextTarget(),
  '0': ({ showAll }) => showAll(),
  f: ({ showAll }) => showAll(),
  Escape: ({ clear }) => clear(),
  '?': ({ help }) => help(),
};

/** Listens to keys, except where they belong to something else: a dialog, a browser shortcut, scrolling a table. */
export function listenToKeys(actions: KeyActions): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof Element && event.target.closest('dialog, .tables') !== null && event.key !== 'Escape') {
      if (event.key.startsWith('Arrow') || event.target.closest('dialog') !== null) return;
    }
    const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (action === undefined) return;
    event.preventDefault();
    action(actions);
  });
}
