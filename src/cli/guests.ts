/** The guests that come with the package, by `guests/guests.json`. */
import { assert } from '../assert.ts';
import { MODE_NAMES, type ModeName } from '../session/config.ts';
import { readPackageFile } from './host/package-files.ts';

export interface BundledGuest {
  readonly name: string;
  /** Path in the folder `guests`. */
  readonly file: string;
  readonly about: string;
  readonly entry: 'm' | 's';
  readonly mode: ModeName;
  /** Size of the pattern disk that it gets if no drive is named. */
  readonly patternDriveBytes?: number;
  /** What `--workload` may name, for a guest that takes `workload=NAME iterations=N` from its boot arguments. */
  readonly workloads?: readonly string[];
}

/** All bundled guests, in the order of the list. */
export function bundledGuests(): readonly BundledGuest[] {
  const { guests } = JSON.parse(new TextDecoder().decode(readPackageFile('guests', 'guests.json'))) as {
    guests: readonly BundledGuest[];
  };
  for (const { name, mode, entry } of guests) {
    assert(MODE_NAMES.includes(mode) && ['m', 's'].includes(entry), `guests.json: ${name}`);
  }
  return guests;
}

export function readBundledGuest(guest: BundledGuest): Uint8Array {
  return readPackageFile('guests', ...guest.file.split('/'));
}
