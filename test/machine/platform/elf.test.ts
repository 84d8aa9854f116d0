import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ParatraceError } from '../../../src/errors.ts';
import { parseElf, physicalOf } from '../../../src/machine/platform/elf.ts';
import { buildElf, type ElfSpec } from '../../support/elf-builder.ts';

const CODE = Uint8Array.of(0x13, 0, 0, 0, 0x6f, 0, 0, 0);
const SPEC: ElfSpec = {
  entry: 0x8000_0000n,
  segments: [
    { physicalAddress: 0x8000_1000n, bytes: Uint8Array.of(1, 2, 3), memoryBytes: 0x100n },
    { physicalAddress: 0x8000_0000n, bytes: CODE },
  ],
  symbols: [
    { name: 'main', address: 0x8000_0004n, sizeBytes: 4n },
    { name: 'table', address: 0x8000_1000n, sizeBytes: 3n, type: 1 },
    { name: 'tohost', address: 0x8000_1040n, type: 0 },
  ],
};

/** Where the section headers begin: three of them end the file. */
const SECTIONS = buildElf(SPEC).length - 3 * 64;

/** The error that `act` throws: its code, offset and message. */
function errorOf(act: () => unknown): { code: string; offset: number | undefined; message: string } {
  try {
    act();
  } catch (error) {
    if (!(error instanceof ParatraceError)) throw error;
    return { code: error.code, offset: error.place.offset, message: error.message };
  }
  throw new Error('nothing was thrown');
}

const patched = (patch: (view: DataView) => void): Uint8Array => {
  const bytes = buildElf(SPEC);
  patch(new DataView(bytes.buffer));
  return bytes;
};

describe('ELF', () => {
  it('reads entry, segments by address, and symbols', () => {
    const elf = parseElf(buildElf(SPEC), 'a.elf');
    expect(elf.entry).toBe(0x8000_0000n);
    expect(elf.segments).toEqual([
      { physicalAddress: 0x8000_0000, virtualAddress: 0x8000_0000n, fileOffset: 179, fileBytes: 8, memoryBytes: 8 },
      { physicalAddress: 0x8000_1000, virtualAddress: 0x8000_1000n, fileOffset: 176, fileBytes: 3, memoryBytes: 0x100 },
    ]);
    expect([...elf.symbols].map(({ name, kind }) => [name, kind])).toEqual([
      ['main', 'function'],
      ['table', 'object'],
      ['tohost', 'label'],
    ]);
  });

  it('translates virtual addresses by segment', () => {
    const bytes = buildElf({
      entry: 0xffff_ffff_8000_0000n,
      segments: [{ physicalAddress: 0x8020_0000n, virtualAddress: 0xffff_ffff_8000_0000n, bytes: CODE }],
    });
    const { segments } = parseElf(bytes, 'vmlinux');
    expect(physicalOf(segments, 0xffff_ffff_8000_0004n)).toBe(0x8020_0004);
    expect(physicalOf(segments, 0xffff_ffff_8000_0008n)).toBeUndefined();
    expect(physicalOf(segments, 0n)).toBeUndefined();
  });

  it('needs neither sections nor symbols', () => {
    const elf = parseElf(
      patched((view) => view.setUint16(60, 0, true)),
      'a.elf',
    );
    expect(elf.symbols.count).toBe(0);
  });

  const HUGE = 0xffff_ffff_ffff_ff00n;
  it.each<[string, (view: DataView) => void, number, string]>([
    ['another magic', (v) => v.setUint8(0, 0), 0, 'magic'],
    ['32 bits', (v) => v.setUint8(4, 1), 4, 'is 1, not 2'],
    ['big-endian', (v) => v.setUint8(5, 2), 5, 'is 2, not 1'],
    ['a version', (v) => v.setUint8(6, 9), 6, 'is 9, not 1'],
    ['an object file', (v) => v.setUint16(16, 1, true), 16, 'is 1, not 2 or 3'],
    ['x86', (v) => v.setUint16(18, 62, true), 18, 'is 62, not 243'],
    ['program headers of another size', (v) => v.setUint16(54, 32, true), 32, '32 bytes instead of 56'],
    ['program headers past the end', (v) => v.setBigUint64(32, 0x7fff_0000n, true), 0x7fff_0000, 'ends past'],
    ['program headers nowhere', (v) => v.setBigUint64(32, HUGE, true), 32, '0xffffffffffffff00'],
    ['no segment', (v) => v.setUint16(56, 0, true), 56, 'no segment'],
    ['a segment past the end', (v) => v.setBigUint64(64 + 8, 0x10_0000n, true), 0x10_0000, 'ends past'],
    ['a segment nowhere', (v) => v.setBigUint64(64 + 24, HUGE, true), 64 + 24, '0xffffffffffffff00'],
    ['a segment of no end', (v) => v.setBigUint64(64 + 40, HUGE, true), 64 + 40, '0xffffffffffffff00'],
    [
      'a segment out of the address space',
      (v) => v.setBigUint64(64 + 40, 2n ** 53n - 1n, true),
      64 + 24,
      'address space',
    ],
    ['less memory than file', (v) => v.setBigUint64(64 + 40, 2n, true), 64 + 40, 'takes 2 bytes of memory and 3'],
    ['overlapping segments', (v) => v.setBigUint64(64 + 24, 0x8000_0007n, true), 176, 'overlaps'],
    ['section headers of another size', (v) => v.setUint16(58, 40, true), 40, '40 bytes instead of 64'],
    ['section headers past the end', (v) => v.setUint16(60, 9999, true), SECTIONS, 'ends past'],
    [
      'a string table that is none',
      (v) => v.setUint32(SECTIONS + 64 + 40, 1, true),
      SECTIONS + 64 + 4,
      'not a string table',
    ],
    [
      'a string table that is not there',
      (v) => v.setUint32(SECTIONS + 64 + 40, 3, true),
      SECTIONS + 64 + 40,
      'section 3 of 3',
    ],
    ['symbols of another size', (v) => v.setBigUint64(SECTIONS + 64 + 56, 16n, true), SECTIONS + 64 + 56, '16 bytes'],
    ['symbols past the end', (v) => v.setBigUint64(SECTIONS + 64 + 32, 0x1_0000n, true), 187, 'ends past'],
    ['strings past the end', (v) => v.setBigUint64(SECTIONS + 128 + 24, 0x1_0000n, true), 0x1_0000, 'ends past'],
  ])('refuses %s, with its place', (_what, patch, offset, message) => {
    const error = errorOf(() => parseElf(patched(patch), 'a.elf'));
    expect(error.code).toBe('image.elf');
    expect(error.offset).toBe(offset);
    expect(error.message).toContain(message);
  });

  it('refuses every truncation', () => {
    const bytes = buildElf(SPEC);
    for (let length = 0; length < bytes.length; length++) {
      expect(errorOf(() => parseElf(bytes.subarray(0, length), 'a.elf')).code).toBe('image.elf');
    }
  });

  it('gives a result or an image.elf error for any damage (property)', () => {
    const original = buildElf(SPEC);
    const interesting = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff));
    const damage = fc.array(fc.tuple(fc.nat(original.length - 1), interesting), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(damage, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (changes, address) => {
        const bytes = original.slice();
        for (const [offset, value] of changes) bytes[offset] = value;
        try {
          const elf = parseElf(bytes, 'a.elf');
          for (const segment of elf.segments) {
            expect(segment.memoryBytes).toBeGreaterThanOrEqual(segment.fileBytes);
            if (segment.fileBytes > 0) {
              expect(segment.fileOffset + segment.fileBytes).toBeLessThanOrEqual(bytes.length);
            }
          }
          elf.symbols.symbolAt(address);
          elf.symbols.find('tohost');
          expect([...elf.symbols].length).toBe(elf.symbols.count);
        } catch (error) {
          if (!(error instanceof ParatraceError)) throw error;
          expect(error.code).toBe('image.elf');
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it('gives a result or an image.elf error for any bytes behind the magic (property)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (tail) => {
        const bytes = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, ...tail);
        expect(errorOf(() => parseElf(bytes, 'a.elf')).code).toBe('image.elf');
      }),
    );
  });
});
