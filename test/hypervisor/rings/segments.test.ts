import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readSegments, visitPieces, writeSegments } from '../../../src/hypervisor/rings/segments.ts';
import { ArrayMemory } from '../../support/array-memory.ts';

const BASE = 0x8000_0000;

it('reads and writes a stream however it is cut into buffers', () => {
  const cuts = fc.array(fc.nat(40), { maxLength: 8 });
  fc.assert(
    fc.property(cuts, fc.nat(50), fc.uint8Array({ maxLength: 200 }), (lengths, offset, bytes) => {
      const memory = new ArrayMemory(1024);
      const segments = lengths.map((lengthBytes, i) => ({ pa: BASE + 100 * i, lengthBytes }));
      const total = lengths.reduce((sum, lengthBytes) => sum + lengthBytes, 0);
      const fits = Math.max(0, Math.min(bytes.length, total - offset));
      expect(writeSegments(memory, segments, offset, bytes)).toBe(fits);
      expect([...readSegments(memory, segments, offset, bytes.length)]).toEqual([...bytes.subarray(0, fits)]);
      const stream = segments.flatMap(({ pa, lengthBytes }) => [...memory.readBytes(pa, lengthBytes)]);
      expect(stream.slice(offset, offset + fits)).toEqual([...bytes.subarray(0, fits)]);
      expect(memory.bytes.filter((byte) => byte !== 0).length).toBe(
        bytes.subarray(0, fits).filter((b) => b !== 0).length,
      );
    }),
  );
});

it('goes through large buffers in pieces', () => {
  const pieces: number[] = [];
  visitPieces([{ pa: BASE, lengthBytes: 150_000 }], 10, 140_000, (_, lengthBytes) => pieces.push(lengthBytes));
  expect(pieces).toEqual([65536, 65536, 8928]);
});
