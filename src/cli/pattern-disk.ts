/**
 * The pattern disk: a drive whose every word is known, so that a guest can check what it reads without a file. Its rule is
 * written twice on purpose, here and in `guests/ring-tour/rings.c`: the guest is the check of the whole path in between.
 */

const WORD_BYTES = 8;
const MULTIPLIER = 0x9e3779b97f4a7c15n;

/** An image of `sizeBytes` bytes, a positive multiple of 512: word `i` is `m ^ (m >> 32)` with `m = (i + 1) * 0x9e3779b97f4a7c15`. */
export function patternDisk(sizeBytes: number): Uint8Array {
  const image = new Uint8Array(sizeBytes);
  const view = new DataView(image.buffer);
  for (let offset = 0; offset + WORD_BYTES <= sizeBytes; offset += WORD_BYTES) {
    const mixed = BigInt.asUintN(64, BigInt(offset / WORD_BYTES + 1) * MULTIPLIER);
    view.setBigUint64(offset, mixed ^ (mixed >> 32n), true);
  }
  return image;
}
