import { describe, expect, it } from 'vitest';
import { planDevices } from '../../src/hypervisor/device-plan.ts';
import { MODES } from '../../src/hypervisor/modes/modes.ts';
import { plainStateOf } from '../../src/machine/state-sink.ts';
import { nodesByPath, readDeviceTree } from '../support/device-tree-reader.ts';
import type { ScriptedHart, Step } from '../support/scripted-machine.ts';
import { shutdown } from '../support/scripted-steps.ts';
import { eventsOf, runToEnd, scriptedSession } from '../support/scripted-vm.ts';

const NET = { latencyCycles: 100 };
const drives = (count: number) => Array.from({ length: count }, () => new Uint8Array(1024).fill(0x5a));

describe('the plan of devices', () => {
  it.each([
    ['both', { virtio: true, virtioDrives: 2, virtioNet: true, ataChannels: 2, e1000: true }],
    ['rings', { virtio: true, virtioDrives: 2, virtioNet: true, ataChannels: 0, e1000: false }],
    ['calls', { virtio: false, virtioDrives: 0, virtioNet: false, ataChannels: 0, e1000: false }],
    ['emulated', { virtio: false, virtioDrives: 0, virtioNet: false, ataChannels: 2, e1000: true }],
  ] as const)('of the set %s', (set, plan) => {
    expect(planDevices(set, { net: NET }, { drives: drives(2) })).toEqual(plan);
    expect(planDevices(set, {}, { drives: [] })).toMatchObject({ virtioNet: false, e1000: false, ataChannels: 0 });
  });

  it('follows from the mode', () => {
    expect(MODES.native?.devices.deviceSet).toBe('both');
    expect(MODES['hvm-pv']?.devices.deviceSet).toBe('both');
    expect(MODES.pvh?.devices.deviceSet).toBe('rings');
    expect(MODES.pv?.devices.deviceSet).toBe('calls');
  });

  it('has room for a drive less where the network has a virtio slot', () => {
    expect(() => planDevices('rings', { net: NET }, { drives: drives(6) })).toThrow(/6 drives.*5 beside the network/);
    expect(planDevices('rings', { net: NET }, { drives: drives(5) }).virtioDrives).toBe(5);
    expect(planDevices('emulated', { net: NET }, { drives: drives(6) }).ataChannels).toBe(6);
    expect(() => planDevices('emulated', {}, { drives: drives(7) })).toThrow(/7 drives; there is room for 6/);
  });

  it.each([0, -1, 1.5, 2e12, Number.NaN])('refuses a latency of %s', (latencyCycles) => {
    expect(() => planDevices('both', { net: { latencyCycles } }, { drives: [] })).toThrow(/latency/);
  });
});

describe('the board', () => {
  const ATA_STATUS = 0x1100_001c;
  const E1000_STATUS = 0x1110_0008;
  const NET_ID = 0x1000_6008;
  const main = function* (hart: ScriptedHart): Generator<Step, void, bigint> {
    for (const gpa of [ATA_STATUS, E1000_STATUS, NET_ID]) yield { op: 'load', gpa, size: 4 };
    yield* shutdown(hart);
  };

  it('has the devices of the plan, named in events and in the device tree', () => {
    const run = scriptedSession({ main }, { mode: 'native', net: NET }, undefined, drives(2));
    const { vm } = run.session;
    const { memory } = vm.machine;
    const { deviceTree } = vm.guest;
    const sizeBytes = new DataView(memory.readBytes(deviceTree + 4, 4).buffer).getUint32(0);
    const tree = memory.readBytes(deviceTree, sizeBytes);
    const nodes = [...nodesByPath(readDeviceTree(tree).root).keys()];
    for (const path of ['/soc/ata@11000000', '/soc/ata@11001000', '/soc/ethernet@11100000']) {
      expect(nodes).toContain(path);
    }
    runToEnd(run);
    const seen = eventsOf(run, 'mmio').map(({ device, register, value }) => [device, register, value]);
    expect(seen).toEqual([
      ['ata0', 'Status/Command', 0x50n],
      ['e1000', 'STATUS', 0x81n],
      ['virtio5', 'DeviceID', 1n],
    ]);
  });

  it('shows both faces of a drive the same medium', () => {
    const run = scriptedSession({ main: shutdown }, { mode: 'native' }, undefined, drives(1));
    const state = plainStateOf(run.session.vm).devices as Record<
      string,
      { medium?: unknown; device?: { own: { disk: unknown } } }
    >;
    expect(state.ata0?.medium).toEqual(state.virtio0?.device?.own.disk);
  });
});
