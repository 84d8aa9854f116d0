/**
 * Both kinds of devices under one guest: mini-os finds the same on a disk and on the network whether it drives rings or registers, at the register
 * accesses that drivers of real kernels make, and its runs replay.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { paratrace, Scratch } from './fake-host.ts';

const ITERATIONS = 24;
const scratch = new Scratch();
afterAll(() => scratch.remove());
const nothing = scratch.path('nothing');
writeFileSync(nothing, '');

interface Reason {
  readonly reason: string;
  readonly count: number;
}

async function run(workload: string, drivers: string) {
  const trace = scratch.path(`${workload}-${drivers}.pvt`);
  const append = `workload=${workload} iterations=${ITERATIONS} drivers=${drivers}`;
  const machine = ['--mode', 'native', '--net', 'peer,latency=5k', '--append', append, '--stdin', nothing];
  const recorded = await paratrace(['record', 'mini-os', ...machine, '-o', trace]);
  expect(recorded.code, recorded.stderr).toBe(0);
  expect((await paratrace(['replay', trace])).stdout).toContain('identical');
  const { reasons } = JSON.parse((await paratrace(['stat', trace, '--json'])).stdout) as { reasons: readonly Reason[] };
  const counts = new Map(reasons.map(({ reason, count }) => [reason, count]));
  const checksum = /checksum [0-9a-f]+/.exec(recorded.stdout)?.[0];
  expect(checksum).toBeDefined();
  return { checksum, count: (reason: string) => counts.get(reason) ?? 0 };
}

it.each(['disk-read', 'disk-write', 'net-rr', 'net-stream'])(
  '%s has one result over rings and registers',
  async (workload) => {
    const rings = await run(workload, 'virtio-block,virtio-net');
    const registers = await run(workload, 'ata,e1000');
    expect(registers.checksum).toBe(rings.checksum);
    const isDisk = workload.startsWith('disk');
    expect(rings.count(isDisk ? 'virtio0.QueueNotify write' : 'virtio5.QueueNotify write')).toBeGreaterThan(0);
    const commands = registers.count(isDisk ? 'ata0.Status/Command write' : 'e1000.TDT write');
    expect(commands).toBeGreaterThanOrEqual(ITERATIONS);
  },
);

it('costs the e1000 one access for a packet, and five for an interrupt', async () => {
  const { count } = await run('net-rr', 'e1000');
  // One more TDT, ICR and mask set the controller up.
  expect(count('e1000.TDT write')).toBe(ITERATIONS + 1);
  const interrupts = count('e1000.ICR read') - 1;
  expect(interrupts).toBeGreaterThan(0);
  expect(count('e1000.IMC write') - 1).toBe(interrupts);
  expect(count('e1000.IMS write') - 1).toBe(interrupts);
  expect(count('e1000.STATUS read') - 1).toBe(2 * interrupts);
});
