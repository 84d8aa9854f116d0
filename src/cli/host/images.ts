/** Images that a trace names by digest, looked for where a user would have them. */
import { basename, dirname, join } from 'node:path';
import { ParatraceError } from '../../errors.ts';
import type { ImageRef } from '../../session/config.ts';
import type { FindImage } from '../../trace/images.ts';
import { findBundledImage } from '../guests.ts';
import { isPlainFile, readFile, sha256 } from './files.ts';

/** Digits of a digest that make a name. */
const DIGEST_DIGITS = 12;

/**
 * Looks in `named` (all of `--image`), beside the trace, under the recorded name, and among what comes with the package; only plain files, because
 * the name comes from the trace. What has the right digest is taken, wherever it is.
 */
export function imageFinder(tracePath: string, named: readonly string[]): FindImage {
  return (image) => {
    const tried: string[] = [];
    for (const path of new Set([...named, ...beside(tracePath, image), image.name])) {
      // A wrong `--image` is an error of its own; elsewhere nothing needs to be.
      if (!named.includes(path) && !isPlainFile(path)) continue;
      const bytes = readFile(path);
      const digest = sha256(bytes);
      if (digest === image.sha256) return bytes;
      tried.push(`\`${path}\` has ${bytes.length} bytes, sha256 ${digest}`);
    }
    const bundled = findBundledImage(image);
    if (bundled === undefined && tried.length > 0) throw differs(image, tried);
    return bundled;
  };
}

/** The name of a file for an image where its own is taken: images of a run may have the same. */
export function nameWithDigest({ name, sha256: digest }: ImageRef): string {
  const plain = basename(name.replaceAll('\0', ''));
  return `${plain === '.' || plain === '..' || plain === '' ? 'image' : plain}.${digest.slice(0, DIGEST_DIGITS)}`;
}

function beside(tracePath: string, image: ImageRef): string[] {
  const folder = dirname(tracePath);
  return [join(folder, basename(image.name)), join(folder, nameWithDigest(image))];
}

function differs({ name, sizeBytes, sha256: digest }: ImageRef, tried: readonly string[]): ParatraceError {
  const message = `image \`${name}\` was recorded with ${sizeBytes} bytes, sha256 ${digest}; ${tried.join('; ')}`;
  return new ParatraceError('trace.image-differs', message);
}
