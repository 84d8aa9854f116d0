/** The guests that come with the package, by `guests/guests.json`. */
import { assert } from '../assert.ts';
import { ParatraceError } from '../errors.ts';
import { type ImageRef, MODE_NAMES, type ModeName } from '../session/config.ts';
import { sha256 } from './host/files.ts';
import { readPackageFile } from './host/package-files.ts';
import { patternDisk } from './pattern-disk.ts';

export interface BundledGuest {
  readonly name: string;
  /** Path in the folder `guests`. */
  readonly file: string;
  readonly about: string;
  readonly entry: 'm' | 's';
  readonly mode: ModeName;
  /** Size of the pattern disk that it gets if no drive is named. */
  readonly patternDriveBytes?: number;
  /** Whether it has a network, as with `--net peer`, if none is named. */
  readonly network?: boolean;
  /** What `--workload` may name, for a guest that takes `workload=NAME iterations=N` from its boot arguments. */
  readonly workloads?: readonly string[];
  /** Paths of builds that are for one mode, by its name; `file` is for all others. */
  readonly images?: Readonly<Record<string, string>>;
  /** Path of what the sources of its builds have in common, and what each has alone ({@link GuestChanges}). */
  readonly changes?: string;
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

/** The image of a guest that is for this mode. */
export function readBundledGuest(guest: BundledGuest, mode: string): Uint8Array {
  return readPackageFile('guests', ...(guest.images?.[mode] ?? guest.file).split('/'));
}

/** An image that comes with the package, or that it makes, by its digest; undefined if it is none. */
export function findBundledImage(image: ImageRef): Uint8Array | undefined {
  const isIt = (bytes: Uint8Array) => bytes.length === image.sizeBytes && sha256(bytes) === image.sha256;
  for (const { file, images = {}, patternDriveBytes } of bundledGuests()) {
    for (const path of new Set([file, ...Object.values(images)])) {
      const bytes = readPackageFile('guests', ...path.split('/'));
      if (isIt(bytes)) return bytes;
    }
    if (patternDriveBytes !== image.sizeBytes) continue;
    const disk = patternDisk(patternDriveBytes);
    if (isIt(disk)) return disk;
  }
  return undefined;
}

/**
 * What paravirtualization changed in the sources of a guest, as `scripts/count-guest-changes.mjs` counts it. `events`: what the unmodified build
 * has besides, for event channels where a hypervisor offers them.
 */
export type GuestChanges = Readonly<Record<'shared' | 'unmodified' | 'events' | 'paravirtual', SourceCount>>;

export interface SourceCount {
  readonly files: number;
  /** Lines with code on them. */
  readonly lines: number;
  /** Definitions in C, global labels in assembly. */
  readonly functions: number;
}

/**
 * @throws ParatraceError `usage.guest-unknown` for a guest that is not bundled, `usage.option` for one with a single build.
 */
export function guestChanges(name: string): GuestChanges {
  const guests = bundledGuests();
  const guest = guests.find((bundled) => bundled.name === name);
  if (guest === undefined) {
    const names = guests.map((bundled) => bundled.name).join(', ');
    throw new ParatraceError('usage.guest-unknown', `'${name}' is no bundled guest (${names})`);
  }
  if (guest.changes === undefined) throw new ParatraceError('usage.option', `--diff: ${name} has one build only`);
  return JSON.parse(new TextDecoder().decode(readPackageFile('guests', ...guest.changes.split('/'))));
}
