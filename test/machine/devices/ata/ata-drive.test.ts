import { describe, expect, it } from 'vitest';
import { plainStateOf } from '../../../../src/machine/state-sink.ts';
import { AtaRig, IDLE, RAM, SECTOR } from '../../../support/ata-rig.ts';

const BSY = 0x80;
const DRQ = 0x08;
const ERR = 0x01;

/** Words of an IDENTIFY DEVICE block. */
function identify(rig: AtaRig) {
  rig.set('Command', 0xec);
  rig.settle();
  const bytes = rig.readBlock();
  const view = new DataView(bytes.buffer);
  const word = (index: number) => view.getUint16(2 * index, true);
  const text = (index: number, words: number) =>
    Array.from({ length: words }, (_, i) => {
      const value = word(index + i);
      return String.fromCharCode(value >> 8, value & 0xff);
    })
      .join('')
      .trim();
  return { bytes, word, text };
}

describe('reset', () => {
  it('leaves the signature of an ATA device', () => {
    const rig = new AtaRig();
    const registers = ['Error', 'SectorCount', 'LBALow', 'LBAMid', 'LBAHigh', 'Device'] as const;
    const signature = [1, 1, 1, 0, 0, 0];
    expect(registers.map((register) => rig.get(register))).toEqual(signature);
    rig.command28(0x20, 3, 2);
    rig.set('DeviceControl', 0x04);
    expect(rig.get('AltStatus')).toBe(BSY);
    expect(rig.schedule.next()).toBe(Number.POSITIVE_INFINITY);
    rig.set('DeviceControl', 0);
    expect(rig.get('Status')).toBe(IDLE);
    expect(registers.map((register) => rig.get(register))).toEqual(signature);
    expect(rig.irq.rises).toBe(0);
  });

  it('shows no device 1', () => {
    const rig = new AtaRig();
    rig.set('Device', 0x50);
    expect([rig.get('Status'), rig.get('AltStatus'), rig.get('Error')]).toEqual([0, 0, 0]);
    rig.set('Command', 0xec);
    expect(rig.schedule.next()).toBe(Number.POSITIVE_INFINITY);
    rig.set('Device', 0x40);
    expect(rig.get('Status')).toBe(IDLE);
  });
});

describe('IDENTIFY DEVICE', () => {
  it('tells capacity, names, and that bytes add up to 0', () => {
    const { bytes, word, text } = identify(new AtaRig(100));
    expect([word(60) + word(61) * 65536, word(100) + word(101) * 65536, word(102)]).toEqual([100, 100, 0]);
    expect([text(10, 10), text(23, 4), text(27, 20)]).toEqual(['drive0', '1', 'Paratrace ATA drive']);
    // LBA and DMA (49), LBA48 and flush (83), word 255.
    expect([word(49) & 0x300, word(83) & 0xf400]).toEqual([0x300, 0x7400]);
    expect(bytes.reduce((sum, byte) => sum + byte, 0) & 0xff).toBe(0);
  });

  it('follows SET FEATURES', () => {
    const rig = new AtaRig();
    const set = (subcommand: number, mode = 0) => {
      rig.set('Features', subcommand);
      rig.set('SectorCount', mode);
      rig.set('Command', 0xef);
      return rig.get('Status');
    };
    expect([set(0x82), set(0x55), set(0x03, 0x42)]).toEqual([IDLE, IDLE, IDLE]);
    const { word } = identify(rig);
    expect([word(85) & 0x60, word(88)]).toEqual([0, 0x043f]);
    expect([set(0x03, 0x47), rig.get('Error')]).toEqual([IDLE | ERR, 4]);
    expect([set(0x99), set(0x02), set(0xaa)]).toEqual([IDLE | ERR, IDLE, IDLE]);
    expect(identify(rig).word(85) & 0x60).toBe(0x60);
  });
});

describe('PIO', () => {
  it.each([2, 4] as const)('reads a block at a time with an interrupt each, %i bytes at once', (size) => {
    const rig = new AtaRig();
    rig.command28(0x20, 5, 3);
    expect([rig.get('Status'), rig.irq.level]).toEqual([BSY, false]);
    for (const sector of [5, 6, 7]) {
      rig.settle();
      expect([rig.get('AltStatus'), rig.irq.level]).toEqual([IDLE | DRQ, true]);
      expect([rig.get('Status'), rig.irq.level]).toEqual([IDLE | DRQ, false]);
      expect(rig.readBlock(size)).toEqual(rig.sectors(sector, 1));
    }
    expect([rig.get('Status'), rig.irq.rises, rig.step()]).toEqual([IDLE, 3, false]);
  });

  it('takes the time of the block back end', () => {
    const rig = new AtaRig();
    rig.command28(0x20, 0, 2);
    expect(rig.schedule.next()).toBe(10_200);
    rig.settle();
    rig.readBlock();
    expect(rig.schedule.next()).toBe(10_400);
  });

  it('writes a block at a time: the first is asked for without an interrupt', () => {
    const rig = new AtaRig();
    rig.command28(0x30, 9, 2);
    expect([rig.get('Status'), rig.irq.rises]).toEqual([IDLE | DRQ, 0]);
    rig.writeBlock(new Uint8Array(SECTOR).fill(0xa1));
    expect([rig.get('Status'), rig.schedule.next()]).toEqual([BSY, 200]);
    rig.settle();
    expect([rig.irq.level, rig.get('Status'), rig.irq.level]).toEqual([true, IDLE | DRQ, false]);
    rig.writeBlock(new Uint8Array(SECTOR).fill(0xb2), 4);
    expect(rig.schedule.next()).toBe(200 + 10_200);
    rig.settle();
    expect([rig.irq.level, rig.get('Status'), rig.irq.rises]).toEqual([true, IDLE, 2]);
    const written = [9, 10].map((sector) => rig.disk.read(sector * SECTOR, SECTOR)[511]);
    expect(written).toEqual([0xa1, 0xb2]);
  });

  it('reads and writes with 48-bit addresses, and shows both halves', () => {
    const rig = new AtaRig(300);
    rig.command48(0x24, 259, 1);
    rig.settle();
    expect(rig.readBlock()).toEqual(rig.sectors(259, 1));
    rig.command48(0x34, 299, 1);
    rig.writeBlock(new Uint8Array(SECTOR).fill(7));
    rig.settle();
    expect(rig.disk.read(299 * SECTOR, 1)).toEqual(Uint8Array.of(7));
    rig.set('SectorCount', 0x12);
    rig.set('SectorCount', 0x34);
    expect(rig.get('SectorCount')).toBe(0x34);
    rig.set('DeviceControl', 0x80);
    expect(rig.get('SectorCount')).toBe(0x12);
    rig.set('LBALow', 0);
    expect(rig.get('SectorCount')).toBe(0x34);
  });

  it('takes a count of 0 as 256, and as 65,536', () => {
    const rig = new AtaRig(256);
    rig.command28(0x40, 0, 0);
    rig.settle();
    expect([rig.get('Status'), rig.clock.cycle]).toEqual([IDLE, 10_000 + 256 * 200]);
    rig.command48(0x42, 0, 0);
    expect([rig.get('Status'), rig.get('Error')]).toEqual([IDLE | ERR, 0x10]);
  });

  it('has no interrupt while nIEN is set, and one that waited when it is cleared', () => {
    const rig = new AtaRig();
    rig.set('DeviceControl', 2);
    rig.command28(0x20, 0, 1);
    rig.settle();
    expect(rig.irq.level).toBe(false);
    rig.set('DeviceControl', 0);
    expect(rig.irq.level).toBe(true);
  });

  it('ignores the command block while it works, and Data while it asks for none', () => {
    const rig = new AtaRig();
    expect(rig.get('Data', 2)).toBe(0);
    rig.set('Data', 0xffff, 2);
    rig.command28(0x20, 1, 1);
    rig.set('LBALow', 99);
    rig.set('Command', 0x30);
    rig.settle();
    expect(rig.get('LBALow')).toBe(1);
    expect(rig.get('Data', 1)).toBe(0);
    expect(rig.readBlock()).toEqual(rig.sectors(1, 1));
  });

  it('lets a double word end a block that has one word left', () => {
    const rig = new AtaRig();
    rig.command28(0x20, 0, 1);
    rig.settle();
    rig.get('Data', 2);
    for (let i = 0; i < 127; i++) rig.get('Data', 4);
    expect(rig.get('AltStatus')).toBe(IDLE | DRQ);
    rig.get('Data', 4);
    expect(rig.get('AltStatus')).toBe(IDLE);
  });
});

describe('refused', () => {
  it.each([
    ['an unknown command', 0x07, 0, 4],
    ['a packet command', 0xa0, 0, 4],
    ['a range past the end', 0x20, 62, 0x10],
    ['a DMA range past the end', 0xc8, 63, 0x10],
  ])('%s', (_, command, sector, error) => {
    const rig = new AtaRig();
    rig.command28(command, sector, 3);
    expect([rig.irq.level, rig.get('Error'), rig.get('Status'), rig.step()]).toEqual([true, error, IDLE | ERR, false]);
  });

  it('a CHS address', () => {
    const rig = new AtaRig();
    rig.set('Device', 0);
    rig.set('Command', 0x20);
    expect([rig.get('Error'), rig.get('Status')]).toEqual([4, IDLE | ERR]);
    rig.set('Command', 0x90);
    expect([rig.get('Error'), rig.get('Status')]).toEqual([1, IDLE]);
  });
});

describe('commands without data', () => {
  it.each([0xe7, 0xea])('flushes in the time to the medium: %i', (command) => {
    const rig = new AtaRig();
    rig.set('Command', command);
    expect(rig.get('Status')).toBe(BSY);
    rig.settle();
    expect([rig.clock.cycle, rig.irq.level, rig.get('Status')]).toEqual([10_000, true, IDLE]);
  });

  it('is always active', () => {
    const rig = new AtaRig();
    rig.set('Command', 0xe5);
    expect([rig.irq.level, rig.get('Status'), rig.get('SectorCount')]).toEqual([true, IDLE, 0xff]);
  });
});

describe('DMA', () => {
  it('reads into regions, once command and bus master are started, with one interrupt', () => {
    const rig = new AtaRig();
    rig.regions(RAM, [
      [RAM + 0x1000, 512],
      [RAM + 0x3000, 1024],
    ]);
    rig.set('BMCommand', 8);
    rig.command28(0xc8, 4, 3);
    expect([rig.get('AltStatus'), rig.step()]).toEqual([BSY, false]);
    rig.set('BMCommand', 9);
    expect(rig.get('BMStatus')).toBe(1);
    rig.settle();
    expect([rig.clock.cycle, rig.irq.rises, rig.get('BMStatus')]).toEqual([10_600, 1, 4]);
    expect(rig.memory.readBytes(RAM + 0x1000, 512)).toEqual(rig.sectors(4, 1));
    expect(rig.memory.readBytes(RAM + 0x3000, 1024)).toEqual(rig.sectors(5, 2));
    rig.set('BMCommand', 0);
    rig.set('BMStatus', 4);
    expect([rig.get('BMStatus'), rig.get('Status'), rig.irq.level]).toEqual([0, IDLE, false]);
  });

  it('writes from memory, also if the bus master is started first', () => {
    const rig = new AtaRig();
    rig.memory.writeBytes(RAM + 0x2000, new Uint8Array(1024).fill(0x5a));
    rig.regions(RAM, [[RAM + 0x2000, 1024]]);
    rig.set('BMCommand', 1);
    rig.command48(0x35, 20, 2);
    rig.settle();
    expect([rig.get('BMStatus'), rig.get('Status')]).toEqual([4, IDLE]);
    expect(rig.disk.read(20 * SECTOR, 1024)).toEqual(new Uint8Array(1024).fill(0x5a));
  });

  it('stays active where the table has more than the command', () => {
    const rig = new AtaRig();
    rig.regions(RAM, [[RAM + 0x2000, 0]]);
    rig.set('BMCommand', 9);
    rig.command28(0xc8, 0, 1);
    rig.settle();
    expect([rig.get('BMStatus'), rig.get('Status')]).toEqual([5, IDLE]);
  });

  it.each([
    ['a table that is too short', (rig: AtaRig) => rig.regions(RAM, [[RAM + 0x2000, 510]]), 4],
    ['a region outside RAM', (rig: AtaRig) => rig.regions(RAM, [[0x1000, 512]]), 6],
    ['a region that ends outside RAM', (rig: AtaRig) => rig.regions(RAM, [[RAM + 256 * 1024 - 256, 512]]), 6],
    ['a table outside RAM', (rig: AtaRig) => rig.set('BMTable', 0x4000_0000, 4), 6],
  ])('ends with ABRT on %s, and moves nothing', (_, setUp, status) => {
    const rig = new AtaRig();
    setUp(rig);
    const before = rig.memory.bytes.slice();
    rig.set('BMCommand', 9);
    rig.command28(0xc8, 0, 1);
    rig.settle();
    expect([rig.get('BMStatus'), rig.get('Error'), rig.get('Status')]).toEqual([status, 4, IDLE | ERR]);
    expect(Buffer.from(rig.memory.bytes).equals(before)).toBe(true);
  });

  it('ends with ABRT if the bus master is stopped or goes the other way', () => {
    const rig = new AtaRig();
    rig.regions(RAM, [[RAM + 0x2000, 512]]);
    rig.set('BMCommand', 9);
    rig.command28(0xc8, 0, 1);
    rig.set('BMCommand', 0);
    expect([rig.step(), rig.get('Status')]).toEqual([false, IDLE | ERR]);
    rig.set('BMCommand', 1);
    rig.command28(0xc8, 0, 1);
    rig.settle();
    expect([rig.get('Error'), rig.get('Status')]).toEqual([4, IDLE | ERR]);
  });

  it('keeps its direction while it runs, and takes its table byte by byte', () => {
    const rig = new AtaRig();
    rig.set('BMCommand', 9);
    rig.set('BMCommand', 1);
    expect(rig.get('BMCommand')).toBe(9);
    rig.channel.write(0x84, 1, 0x37);
    rig.channel.write(0x86, 2, 0x8765);
    expect(rig.get('BMTable', 4)).toBe(0x8765_0034);
    rig.set('BMStatus', 0x60);
    expect(rig.get('BMStatus')).toBe(0x61);
  });
});

describe('names and state', () => {
  it('names registers, and none between them', () => {
    const { channel } = new AtaRig();
    const names = [0x00, 0x04, 0x1c, 0x40, 0x80, 0x82, 0x84].map((offset) => channel.registerName(offset));
    expect(names).toEqual([
      'Data',
      'Error/Features',
      'Status/Command',
      'AltStatus/DeviceControl',
      'BMCommand',
      'BMStatus',
      'BMTable',
    ]);
    expect([1, 0x20, 0x44, 0x88].map((offset) => channel.registerName(offset))).toEqual(Array(4).fill(undefined));
  });

  it('holds everything in its state', () => {
    const rig = new AtaRig();
    const states = new Set<string>();
    const note = () => states.add(JSON.stringify(plainStateOf(rig.channel)));
    note();
    rig.command28(0x30, 1, 1);
    note();
    rig.set('Data', 1, 2);
    note();
    rig.set('BMCommand', 8);
    note();
    expect(states.size).toBe(4);
  });
});
