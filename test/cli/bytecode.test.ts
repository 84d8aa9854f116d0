/** The bytecode that the build keeps: used by the Node that made it, and nothing but time depends on it. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { must } from '../../src/assert.ts';
import { Bundle } from './bundle.ts';
import { Scratch } from './fake-host.ts';

const scratch = new Scratch();
const bundle = new Bundle(scratch.folder);
let file = '';
let bytes = Buffer.of();

beforeAll(async () => {
  await bundle.build();
  const folder = dirname(bundle.command);
  const name = readdirSync(folder).find((each) => /^program-.*\.bytecode$/.test(each));
  file = join(folder, must(name, 'bytecode'));
  bytes = readFileSync(file);
});
afterAll(() => {
  bundle.remove();
  scratch.remove();
});

/** What V8 says of the bytecode of a script that the command compiles. */
function isRejected(): string {
  const spy = scratch.path('spy.cjs');
  writeFileSync(
    spy,
    `const vm = require('node:vm');
    const { Script } = vm;
    vm.Script = class extends Script {
      constructor(...parts) {
        super(...parts);
        console.error('rejected:', this.cachedDataRejected);
      }
    };`,
  );
  const { stderr } = spawnSync(process.execPath, ['--require', spy, bundle.command, 'guests'], { encoding: 'utf8' });
  return must(/rejected: (\w+)/.exec(stderr)?.[1], `an answer in ${stderr}`);
}

function runs(): void {
  const { status, stderr } = bundle.run(['run', 'tohost-pass', '--quiet']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

it('is taken', () => {
  writeFileSync(file, bytes);
  expect(isRejected()).toBe('false');
  runs();
});

it.each(['region-worker', 'trace-worker'])('of the thread %s is taken as the thread starts', (thread) => {
  const program = join(dirname(bundle.command), `${thread}.cjs`);
  const spy = `const vm = require('node:vm');
    const { Script } = vm;
    vm.Script = class extends Script {
      constructor(...parts) {
        super(...parts);
        require('node:worker_threads').parentPort.postMessage(this.cachedDataRejected);
        process.exit();
      }
    };
    require(${JSON.stringify(program)});`;
  const start = `const { Worker } = require('node:worker_threads');
    new Worker(${JSON.stringify(spy)}, { eval: true }).on('message', (rejected) => console.log('rejected:', rejected));`;
  const { stdout } = spawnSync(process.execPath, ['-e', start], { encoding: 'utf8' });
  expect(stdout).toBe('rejected: false\n');
});

it.each([
  ['of another version', () => bytes.map((byte, at) => (at >= 4 && at < 8 ? byte ^ 0xff : byte))],
  ['cut off', () => bytes.subarray(0, bytes.length / 2)],
  ['empty', () => Buffer.of()],
  ['of something else', () => Buffer.from('no bytecode '.repeat(100))],
])('is not taken if it is %s, and the command runs', (_, altered) => {
  writeFileSync(file, altered());
  expect(isRejected()).toBe('true');
  runs();
});

it('is not needed', () => {
  rmSync(file, { force: true });
  expect(isRejected()).toBe('undefined');
  runs();
});
