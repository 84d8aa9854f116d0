import { describe, expect, it } from 'vitest';
import { parseElf } from '../../../src/machine/platform/elf.ts';
import { SymbolTable } from '../../../src/machine/platform/symbol-table.ts';
import { buildElf, type ElfSymbolSpec } from '../../support/elf-builder.ts';

function tableOf(...symbols: ElfSymbolSpec[]): SymbolTable {
  const segments = [{ physicalAddress: 0x8000_0000n, bytes: Uint8Array.of(1) }];
  return parseElf(buildElf({ entry: 0n, segments, symbols }), 'a.elf').symbols;
}

const placeOf = (table: SymbolTable, address: bigint) => {
  const place = table.symbolAt(address);
  return place && `${place.name}+${place.offset}`;
};

describe('symbol table', () => {
  it('finds the function around an address and nothing between functions', () => {
    const table = tableOf(
      { name: 'b', address: 0x200n, sizeBytes: 8n },
      { name: 'a', address: 0x100n, sizeBytes: 16n },
    );
    expect([0xffn, 0x100n, 0x10fn, 0x110n, 0x207n, 0x208n].map((address) => placeOf(table, address))).toEqual([
      undefined,
      'a+0',
      'a+15',
      undefined,
      'b+7',
      undefined,
    ]);
  });

  it('prefers the function over labels inside it, and a label where no function is', () => {
    const table = tableOf(
      { name: '_start', address: 0x80n, type: 0 },
      { name: 'loop', address: 0x104n, type: 0 },
      { name: 'f', address: 0x100n, sizeBytes: 16n },
    );
    expect([0x90n, 0x108n, 0x120n].map((address) => placeOf(table, address))).toEqual(['_start+16', 'f+8', 'loop+28']);
  });

  it('prefers function, object, label among symbols at one address', () => {
    const table = tableOf(
      { name: 'label', address: 0x100n, type: 0, sizeBytes: 4n },
      { name: 'function', address: 0x100n, type: 2, sizeBytes: 4n },
      { name: 'object', address: 0x100n, type: 1, sizeBytes: 4n },
    );
    expect(table.symbolAt(0x100n)?.name).toBe('function');
  });

  it('leaves out undefined and absolute symbols, files, mapping symbols and local labels', () => {
    const table = tableOf(
      { name: 'undefined', address: 0x100n, section: 0 },
      { name: '__stack_size', address: 0x1000n, section: 0xfff1, type: 0 },
      { name: 'a.c', address: 0n, type: 4 },
      { name: '$x', address: 0x100n, type: 0 },
      { name: '.L4', address: 0x100n, type: 0 },
      { name: 'kept', address: 0x100n },
    );
    expect([...table].map(({ name }) => name)).toEqual(['kept']);
    expect(table.count).toBe(1);
  });

  it('finds by whole name, absolute symbols included, undefined ones not', () => {
    const table = tableOf(
      { name: 'tohost_end', address: 0x300n },
      { name: 'tohost', address: 0x1n, section: 0 },
      { name: 'tohost', address: 0x200n, section: 0xfff1, type: 0 },
    );
    expect(table.find('tohost')).toBe(0x200n);
    expect(table.find('tohos')).toBeUndefined();
  });

  it('spans the whole address space without overflow', () => {
    const top = 2n ** 64n - 16n;
    const table = tableOf({ name: 'high', address: top, sizeBytes: 2n ** 64n - 1n });
    expect(placeOf(table, 2n ** 64n - 1n)).toBe('high+15');
    expect(placeOf(table, top - 1n)).toBeUndefined();
  });

  it('takes any bytes: names without end, names outside the strings, a cut entry', () => {
    const symbols = new Uint8Array(24 * 2 + 5);
    const view = new DataView(symbols.buffer);
    for (const [index, nameOffset] of [0, 0xffff_fff0].entries()) {
      view.setUint32(24 * index, nameOffset, true);
      view.setUint8(24 * index + 4, 2);
      view.setUint16(24 * index + 6, 1, true);
    }
    const table = SymbolTable.read(symbols, new Uint8Array(10_000).fill(0x61));
    expect([...table].map(({ name }) => name.length)).toEqual([4096]);
    expect(SymbolTable.empty.symbolAt(0n)).toBeUndefined();
  });

  it('sorts many symbols at one address in bounded time', () => {
    const table = tableOf(...Array.from({ length: 20_000 }, () => ({ name: 'x', address: 0x100n, type: 0 })));
    expect(table.symbolAt(0x100n)?.name).toBe('x');
    expect(table.count).toBe(20_000);
  });
});
