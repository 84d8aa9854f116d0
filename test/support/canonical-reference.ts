/** The canonical bytes of plain data, written down once more in the plainest way: what `CanonicalWriter` is held against. */
import type { PlainState, PlainValue } from '../../src/machine/bus.ts';

export function canonicalReference(value: PlainValue): Buffer {
  switch (typeof value) {
    case 'number': {
      const content = Buffer.alloc(8);
      content.writeDoubleLE(value);
      return Buffer.concat([Buffer.of(1), content]);
    }
    case 'bigint':
      return Buffer.concat([Buffer.of(2), text(value.toString(16))]);
    case 'boolean':
      return Buffer.of(value ? 4 : 3);
    case 'string':
      return Buffer.concat([Buffer.of(5), text(value)]);
    default:
      break;
  }
  if (value instanceof Uint8Array) return Buffer.concat([Buffer.of(6), count(value.length), value]);
  if (Array.isArray(value)) {
    return Buffer.concat([Buffer.of(7), count(value.length), ...value.map(canonicalReference)]);
  }
  const fields = Object.entries(value as PlainState);
  const written = fields.flatMap(([key, item]) => [text(key), canonicalReference(item)]);
  return Buffer.concat([Buffer.of(8), count(fields.length), ...written]);
}

function count(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(length);
  return bytes;
}

function text(characters: string): Buffer {
  const bytes = Buffer.from(characters);
  return Buffer.concat([count(bytes.length), bytes]);
}
