/** What a window of a trace is measured in. */
export const WINDOW_CLOCKS = ['cycle', 'icount', 'event'] as const;
export type WindowClock = (typeof WINDOW_CLOCKS)[number];
