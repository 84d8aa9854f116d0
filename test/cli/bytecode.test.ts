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
  const name = readdirSync(folder).find((each) => each.endsWith('.bytecode'));
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
