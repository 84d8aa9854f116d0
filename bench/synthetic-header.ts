/** The header of a trace of a made-up run. */
import { RUN_DEFAULTS } from '../src/session/run-defaults.ts';
import type { TraceHeader } from '../src/trace/schema.ts';

export const SYNTHETIC_HEADER: TraceHeader = {
  config: {
    ...RUN_DEFAULTS,
    guest: { name: 'synthetic', sizeBytes: 0, sha256: '0'.repeat(64) },
    initrd: undefined,
    drives: [],
  },
  costProfile: {},
  coreProfile: {},
};
