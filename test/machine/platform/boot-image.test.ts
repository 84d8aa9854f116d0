import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ParatraceError } from '../../../src/errors.ts';
import { loadBootImage, placeBootData } from '../../../src/machine/platform/boot-image.ts';
import { ArrayMemory } from '../../support/array-memory.ts';
import { buildElf } from '../../support/elf-builder.ts';

const MIB = 2 ** 20;
const RAM = 0x8000_0000;

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ParatraceError) return error.code;
    throw error;
  }
  return 'no error';
}

/** A Linux `Image`: header and some bytes. */
function linuxImage(textOffset: bigint, imageBytes: bigint, flags = 0n): Uint8Array {
  const bytes = new Uint8Array(256).fill(0x6f);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(8, textOffset, true);
  view.setBigUint64(16, imageBytes, true);
  view.setBigUint64(24, flags, true);
  bytes.set(new TextEncoder().encode('RISCV\0\0\0RSC\x05'), 48);
  return bytes;
}

describe('loadBootImage', () => {
  it('puts a plain binary at the start of RAM for M-mode and 2 MiB above for S-mode', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    for (const [entry, pc] of [
      ['m', RAM],
      ['s', RAM + 2 * MIB],
    ] as const) {
      const memory = new ArrayMemory(4 * MIB);
      const image = loadBootImage(bytes, 'a.bin', memory, { entry });
      expect(image.entryPc).toBe(BigInt(pc));
      expect(image.loadedRanges).toEqual([{ start: pc, end: pc + 4 }]);
      expect(memory.readBytes(pc, 4)).toEqual(bytes);
      expect([image.tohost, image.symbols.count]).toEqual([undefined, 0]);
    }
  });

  it('puts a Linux Image where it asks, and reserves what it needs in memory', () => {
    const memory = new ArrayMemory(8 * MIB);
    const image = loadBootImage(linuxImage(0x20_0000n, 0x30_0000n), 'Image', memory, { entry: 's' });
    expect(image.entryPc).toBe(0x8020_0000n);
    expect(image.loadedRanges).toEqual([{ start: 0x8020_0000, end: 0x8050_0000 }]);
    expect(codeOf(() => loadBootImage(linuxImage(0x20_0000n, 0x60_0001n), 'Image', memory, { entry: 's' }))).toBe(
      'image.too-large',
    );
  });

  it.each([
    ['a Linux Image off its alignment', linuxImage(0x8_0000n, 0x1000n)],
    ['a Linux Image nowhere', linuxImage(2n ** 63n, 0x1000n)],
    ['a Linux Image without end', linuxImage(0n, 2n ** 63n)],
    ['a big-endian Linux Image', linuxImage(0n, 0x1000n, 1n)],
    ['an empty file', new Uint8Array(0)],
    ['a compressed file', Uint8Array.of(0x1f, 0x8b, 8)],
  ])('refuses %s', (_what, bytes) => {
    expect(codeOf(() => loadBootImage(bytes, 'Image', new ArrayMemory(4 * MIB), { entry: 's' }))).toBe('image.raw');
  });

  it('loads ELF segments by physical address and clears their bss', () => {
    const memory = new ArrayMemory(MIB);
    memory.bytes.fill(0xaa);
    const bytes = buildElf({
      entry: 0xffff_ffff_8000_0004n,
      segments: [
        {
          physicalAddress: 0x8000_1000n,
          virtualAddress: 0xffff_ffff_8000_0000n,
          bytes: Uint8Array.of(1, 2, 3, 4, 5),
          memoryBytes: 0x2_0000n,
        },
      ],
      symbols: [{ name: 'tohost', address: 0xffff_ffff_8000_0100n, type: 1 }],
    });
    const image = loadBootImage(bytes, 'a.elf', memory, { entry: 'm' });
    expect(image.entryPc).toBe(0x8000_1004n);
    expect(image.tohost).toBe(0x8000_1100);
    expect(image.loadedRanges).toEqual([{ start: 0x8000_1000, end: 0x8002_1000 }]);
    expect([...memory.readBytes(0x8000_0fff, 8)]).toEqual([0xaa, 1, 2, 3, 4, 5, 0, 0]);
    expect(memory.readBytes(0x8000_1005, 0x2_0000 - 5).every((byte) => byte === 0)).toBe(true);
    expect(memory.read8(0x8002_1000)).toBe(0xaa);
  });

  it('leaves out ELF headers that a linker kept just below RAM, and nothing else', () => {
    const memory = new ArrayMemory(MIB);
    const segments = [
      { physicalAddress: 0x7fff_f000n, bytes: Uint8Array.from({ length: 0x1008 }, (_, index) => index) },
    ];
    const bytes = buildElf({ entry: 0x8000_0004n, segments });
    const fileOffsetOfFirstSegment = 64 + 8;
    new DataView(bytes.buffer).setBigUint64(fileOffsetOfFirstSegment, 0n, true);
    const image = loadBootImage(bytes, 'a.elf', memory, { entry: 'm' });
    expect(image.loadedRanges).toEqual([{ start: RAM, end: RAM + 8 }]);
    expect(image.entryPc).toBe(0x8000_0004n);
    expect(memory.readBytes(RAM, 8)).toEqual(bytes.slice(0x1000, 0x1008));
    expect(
      codeOf(() => loadBootImage(buildElf({ entry: 0x8000_0004n, segments }), 'a.elf', memory, { entry: 'm' })),
    ).toBe('image.too-large');
  });

  it.each([
    ['outside RAM', 0x9000_0000n],
    ['off its alignment', 0x8000_0004n],
    ['beyond any address', 2n ** 64n - 8n],
  ])('takes no tohost %s', (_what, address) => {
    const segments = [{ physicalAddress: 0x8000_0000n, bytes: new Uint8Array(64) }];
    const bytes = buildElf({ entry: 0x8000_0000n, segments, symbols: [{ name: 'tohost', address }] });
    expect(loadBootImage(bytes, 'a.elf', new ArrayMemory(MIB), { entry: 'm' }).tohost).toBeUndefined();
  });

  it('refuses an entry point that is in no segment, or odd', () => {
    const segments = [{ physicalAddress: 0x8000_0000n, bytes: new Uint8Array(64) }];
    for (const entry of [0x8000_0040n, 0n, 0x8000_0001n]) {
      expect(
        codeOf(() => loadBootImage(buildElf({ entry, segments }), 'a.elf', new ArrayMemory(MIB), { entry: 'm' })),
      ).toBe('image.elf');
    }
  });

  it('refuses what does not lie in RAM and then writes nothing', () => {
    const memory = new ArrayMemory(MIB);
    for (const physicalAddress of [0n, 0x7fff_ffffn, 0x800f_ffffn, 2n ** 52n]) {
      const segments = [
        { physicalAddress: 0x8000_0010n, bytes: Uint8Array.of(1, 2) },
        { physicalAddress, bytes: Uint8Array.of(1, 2) },
      ];
      expect(
        codeOf(() => loadBootImage(buildElf({ entry: 0x8000_0010n, segments }), 'a.elf', memory, { entry: 'm' })),
      ).toBe('image.too-large');
    }
    expect(codeOf(() => loadBootImage(new Uint8Array(MIB + 1), 'a.bin', memory, { entry: 'm' }))).toBe(
      'image.too-large',
    );
    expect(codeOf(() => loadBootImage(Uint8Array.of(1), 'a.bin', memory, { entry: 's' }))).toBe('image.too-large');
    expect(memory.bytes.every((byte) => byte === 0)).toBe(true);
  });
});

describe('placeBootData', () => {
  const ram = (sizeBytes: number) => ({ base: RAM, sizeBytes });
  const kernel = [{ start: 0x8020_0000, end: 0x8020_0000 + 12 * MIB }];

  it('places as QEMU does on 128 MiB', () => {
    expect(placeBootData(ram(128 * MIB), kernel, 7000, 5 * MIB)).toEqual({
      initrd: { start: 0x8420_0000, end: 0x8470_0000 },
      deviceTree: { start: 0x87e0_0000, end: 0x87e0_0000 + 7000 },
    });
  });

  it('keeps the device tree below 3 GiB and the initrd near the kernel on a large machine', () => {
    expect(placeBootData(ram(3072 * MIB), kernel, 7000, MIB)).toEqual({
      initrd: { start: 0x8820_0000, end: 0x8830_0000 },
      deviceTree: { start: 0xbfe0_0000, end: 0xbfe0_0000 + 7000 },
    });
  });

  it('moves close to the top of a small RAM', () => {
    const image = [{ start: 0x8020_0000, end: 0x8030_0000 }];
    const { initrd, deviceTree } = placeBootData(ram(4 * MIB), image, 7001, 64 * 1024);
    expect(deviceTree.start).toBe(0x803f_e4a0);
    expect(initrd).toEqual({ start: 0x803e_e000, end: 0x803f_e000 });
  });

  it('says so when they do not fit', () => {
    const image = [{ start: RAM, end: RAM + 4 * MIB - 4096 }];
    expect(codeOf(() => placeBootData(ram(4 * MIB), image, 4097, undefined))).toBe('image.too-large');
    expect(codeOf(() => placeBootData(ram(4 * MIB), image, 2048, 4096))).toBe('image.too-large');
    expect(codeOf(() => placeBootData(ram(4 * MIB), image, 4096, undefined))).toBe('no error');
  });

  it('never overlaps and never leaves RAM (property)', () => {
    const size = fc.integer({ min: 0, max: 12 * MIB });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 32 }),
        size,
        size,
        size,
        fc.integer({ min: 1, max: 100_000 }),
        (mebibytes, at, length, initrdBytes, treeBytes) => {
          const memory = ram(mebibytes * MIB);
          const start = RAM + Math.min(at, memory.sizeBytes);
          const image = { start, end: Math.min(start + length, RAM + memory.sizeBytes) };
          let placed: ReturnType<typeof placeBootData>;
          try {
            placed = placeBootData(memory, [image], treeBytes, initrdBytes);
          } catch (error) {
            if (!(error instanceof ParatraceError)) throw error;
            return;
          }
          const initrd = placed.initrd ?? { start: 0, end: 0 };
          expect(initrd.start % 4096).toBe(0);
          expect(placed.deviceTree.start % 8).toBe(0);
          expect(initrd.start).toBeGreaterThanOrEqual(image.end);
          expect(placed.deviceTree.start).toBeGreaterThanOrEqual(initrd.end);
          expect(placed.deviceTree.end).toBeLessThanOrEqual(RAM + memory.sizeBytes);
        },
      ),
    );
  });
});
