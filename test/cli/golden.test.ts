/** `paratrace golden`: what is recorded again, what is said of it, what is written and when. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openTrace } from '../../src/trace/reader.ts';
import { TraceWriter } from '../../src/trace/writer.ts';
import { FakeHost, paratrace, Scratch } from './fake-host.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

let folder = '';
let folders = 0;
beforeEach(() => {
  folder = scratch.path(`goldens-${folders++}`);
  mkdirSync(folder);
});

const path = (name: string) => join(folder, name);
const golden = (...args: string[]) => paratrace(['golden', ...args]);

function writeManifest(goldens: object, more: object = {}): void {
  writeFileSync(path('golden.json'), JSON.stringify({ version: 1, goldens, ...more }));
}

const PASS = { pass: ['tohost-pass'], 'pass-2': ['tohost-pass', '--harts', '2'] };

/** A folder with two goldens that are up to date. */
async function accepted(goldens: object = PASS, more: object = {}): Promise<void> {
  writeManifest(goldens, more);
  expect((await golden('accept', folder)).code).toBe(0);
}

describe('golden accept', () => {
  it('writes what is missing with its text, and then nothing', async () => {
    writeManifest(PASS);
    const first = await golden('accept', folder);
    expect(first.stdout).toBe(`wrote ${path('pass.pvt')}\nwrote ${path('pass-2.pvt')}\n2 goldens, 2 files changed\n`);
    expect(readdirSync(folder).sort()).toEqual(['golden.json', 'pass-2.pvt', 'pass-2.txt', 'pass.pvt', 'pass.txt']);
    expect(readFileSync(path('pass.txt'), 'utf8')).toMatch(
      /^guest +tohost-pass, .*\n[\s\S]*^costs +rocket[\s\S]*^digest at/m,
    );
    expect((await golden('accept', folder)).stdout).toBe('2 goldens, 0 files changed\n');
    expect((await golden('verify', folder)).code).toBe(0);
  });

  it('says what changed, and removes what is obsolete', async () => {
    await accepted();
    writeManifest({ pass: ['tohost-pass', '--core', 'u74'] });
    const { code, stdout } = await golden('accept', folder);
    expect(code).toBe(0);
    expect(stdout).toContain(`wrote ${path('pass.pvt')}: it is another now\n    * header: core rocket -> u74`);
    expect(stdout).toContain(`removed ${path('pass-2.pvt')}\nremoved ${path('pass-2.txt')}\n`);
    expect((await golden('verify', folder)).code).toBe(0);
  });

  it('writes nothing in continuous integration', async () => {
    writeManifest(PASS);
    const host = new FakeHost();
    host.isCi = true;
    const { code, stdout, stderr } = await paratrace(['golden', 'accept', folder], host);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('golden.ci');
    expect(readdirSync(folder)).toEqual(['golden.json']);
  });

  it('keeps images or names them, as the manifest says', async () => {
    await accepted({ tour: ['ring-tour', '--mode', 'native'] });
    const kept = readFileSync(path('tour.pvt')).length;
    writeManifest({ tour: ['ring-tour', '--mode', 'native'] }, { images: 'named' });
    await golden('accept', folder);
    const named = readFileSync(path('tour.pvt')).length;
    expect(named).toBeLessThan(kept - 60_000);
    expect((await golden('verify', folder)).code).toBe(0);
    expect((await paratrace(['replay', path('tour.pvt')])).stdout).toContain('identical');
  });

  it('puts a golden in the place of one that is damaged, or cannot be recorded again', async () => {
    await accepted();
    // Whole by its checksums, but not what this version reads, and no trace at all.
    const parts: Uint8Array[] = [];
    const writer = new TraceWriter((part) => parts.push(part), openTrace(readFileSync(path('pass.pvt'))).header);
    const stamp = { cycle: 0, icount: 0, hart: 0, pc: 0n };
    writer.event({ kind: 'end', ...stamp, reason: 'tohost', status: 0 });
    writer.end({ cycle: 9, icount: 0, reason: 'interrupted', status: 0, message: '' });
    writeFileSync(path('pass-2.pvt'), Buffer.concat(parts));
    writeFileSync(path('pass.pvt'), 'no trace');
    const { stdout } = await golden('verify', folder);
    expect(stdout).toContain('trace.not-a-trace');
    expect(stdout).toContain('golden.interrupted');
    expect((await golden('accept', folder)).code).toBe(0);
    expect((await golden('verify', folder)).code).toBe(0);
  });
});

describe('golden verify', () => {
  it('names a change by kind, place and size', async () => {
    await accepted({ tour: ['ring-tour', '--mode', 'hvm', '--append', 'no-rings'] });
    writeManifest({ tour: ['ring-tour', '--mode', 'hvm', '--append', 'no-rings', '--harts', '2'] });
    const { code, stdout } = await golden('verify', folder);
    expect(code).toBe(1);
    expect(stdout).toContain('FAILED tour is recorded differently now\n    * header: hartCount 1 -> 2 (+1)\n');
    expect(stdout).toContain('* hypercall HSM.hart_start: 1 more');
    expect(stdout).toContain('around the first difference:');
    expect(stdout).toMatch(/<[a-z_]+(\+0x[0-9a-f]+)?>/);
    // What is allowed to differ is not all that does.
    expect((await golden('verify', folder, '--ignore', 'cycles,icount,digests,header')).code).toBe(1);
  });

  it('fails for what is missing, obsolete, or has another text', async () => {
    await accepted();
    writeManifest({ ...PASS, more: ['tohost-fail'] });
    writeFileSync(path('old.pvt'), '');
    writeFileSync(path('pass.txt'), `${readFileSync(path('pass.txt'), 'utf8').replace('tohost-pass,', 'mine,')}`);
    const { code, stdout } = await golden('verify', folder);
    expect(code).toBe(1);
    expect(stdout).toContain(
      'FAILED pass has a text that is not its own\n    * line 1 of the text beside it is `guest',
    );
    expect(stdout).toContain('ok     pass-2 is the same\n');
    expect(stdout).toContain('FAILED more is missing');
    expect(stdout).toContain('FAILED old.pvt is obsolete');
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('1 the same, 3 failed');
  });

  it('takes single traces, and folders without a manifest', async () => {
    await accepted();
    expect((await golden('verify', path('pass.pvt'))).stdout).toBe('ok     pass is the same\n1 the same, 0 failed\n');
    const bare = scratch.path(`bare-${folders}`);
    mkdirSync(bare);
    for (const file of ['pass.pvt', 'pass.txt', 'pass-2.txt'])
      writeFileSync(join(bare, file), readFileSync(path(file)));
    const { code, stdout } = await golden('verify', bare);
    expect([code, stdout]).toEqual([
      1,
      `ok     pass is the same\nFAILED pass-2.txt is obsolete\n    * golden.json does not name ${join(bare, 'pass-2.txt')}\n1 the same, 1 failed\n`,
    ]);
  });

  it('gives typed and scripted input again at its places', async () => {
    const echo = ['ring-tour', '--append', 'echo'];
    const stdin = scratch.path('line.txt');
    writeFileSync(stdin, 'good morning\n');
    await paratrace(['record', ...echo, '--quiet', '--stdin', stdin, '-o', path('script.pvt')]);
    const host = new FakeHost();
    host.stdin.kind = 'stream';
    let pauses = 0;
    host.onPause = () => {
      pauses += 1;
      if (pauses === 2) host.stdin.handlers?.data(new TextEncoder().encode('good'));
      if (pauses === 5) host.stdin.handlers?.data(new TextEncoder().encode(' evening\n'));
      if (pauses === 7) host.stdin.handlers?.end();
    };
    expect((await paratrace(['record', ...echo, '--quiet', '-o', path('typed.pvt')], host)).code).toBe(0);
    writeManifest({ script: null, typed: null });
    const { stdout } = await golden('accept', folder);
    // The traces are as they were: only the texts are new.
    expect(stdout.match(/\* the text beside it is missing/g)).toHaveLength(2);
    expect((await golden('verify', folder)).code).toBe(0);
    const [script, typed] = ['script', 'typed'].map((name) => readFileSync(path(`${name}.txt`), 'utf8'));
    expect(script).toMatch(/^inputs +\d+, 13 bytes$/m);
    expect(typed).toMatch(/^inputs +\d+, 13 bytes$/m);
  });

  it('gives places their names again', async () => {
    const marked = ['ring-tour', '--mode', 'hvm', '--append', 'no-rings', '--mark', 'late@400k', '--mark', 'early@90k'];
    await paratrace(['record', ...marked, '--quiet', '-o', path('trace.pvt')]);
    await accepted({ trace: null, run: marked });
    expect(readFileSync(path('run.pvt'))).toEqual(readFileSync(path('trace.pvt')));
    expect(readFileSync(path('trace.txt'), 'utf8')).toMatch(/^mark +2$/m);
    expect((await golden('verify', folder)).code).toBe(0);
    // A mark that is gone is a difference, and no mark is set twice.
    writeManifest({ trace: null, run: marked.slice(0, -2) });
    const { stdout } = await golden('verify', folder);
    expect(stdout).toMatch(/\* mark early: 1 fewer \(1 -> 0\)/);
  });

  it('refuses a recording that was interrupted', async () => {
    const host = new FakeHost();
    host.onPause = () => host.signal('SIGINT');
    host.stdin.kind = 'stream';
    await paratrace(['record', 'ring-tour', '--append', 'echo', '--quiet', '-o', path('cut.pvt')], host);
    const { code, stdout } = await golden('verify', folder);
    expect([code, stdout.includes('golden.interrupted')]).toEqual([1, true]);
  });

  it('ends a run that has become endless', async () => {
    await accepted({ echo: ['ring-tour', '--append', 'no-rings', '--mode', 'hvm'] });
    writeManifest({ echo: ['ring-tour', '--mode', 'hvm', '--append', 'no-rings', '--memory', '4M'] });
    expect((await golden('verify', folder)).code).toBe(1);
  });
});

describe('reports of golden verify', () => {
  const reportOf = async (reporter: string) => {
    await accepted();
    writeManifest({ pass: ['tohost-pass', '--seed', 'a<b,"c":%'], 'pass-2': PASS['pass-2'] });
    return (await golden('verify', folder, '--reporter', reporter)).stdout;
  };

  it('are JUnit, TAP, and annotations of GitHub', async () => {
    const junit = await reportOf('junit');
    expect(junit).toContain('<testsuite name="golden traces" tests="2" failures="1">');
    expect(junit).toContain('<failure type="changed" message="pass is recorded differently now">');
    expect(junit).toContain('header: seed 1 -&gt; a&lt;b,&quot;c&quot;:%');
    const tap = await reportOf('tap');
    expect(tap).toMatch(/^TAP version 14\n1\.\.2\nnot ok 1 - pass\n {2}---\n[\s\S]* {2}\.\.\.\nok 2 - pass-2\n$/);
    const github = await reportOf('github');
    expect(github).toMatch(
      /^::error file=.*pass\.pvt,title=golden pass::pass is recorded differently now%0Aheader: seed 1 -> a<b,"c":%25%0A/,
    );
  });
});

describe('help of golden', () => {
  it.each([
    ['verify', ['--reporter', '--ignore', '--jobs', 'Exit codes']],
    ['accept', ['--jobs', 'CI']],
  ])('%s has its options and examples', async (verb, parts) => {
    const { code, stdout } = await golden(verb, '--help');
    expect(code).toBe(0);
    for (const part of [...parts, `paratrace golden ${verb}`, 'golden.json']) expect(stdout).toContain(part);
  });
});

describe('a manifest', () => {
  it.each([
    ['{', 'it is not JSON'],
    ['[]', 'it is not an object'],
    ['{"version":2,"goldens":{}}', '`version` is 2, not 1'],
    ['{"version":1,"goldens":[]}', '`goldens` is not an object'],
    ['{"version":1,"goldens":{},"colour":1}', '`colour` is no field'],
    ['{"version":1,"goldens":{},"images":"no"}', '`images` is neither'],
    ['{"version":1,"goldens":{"../x":null}}', "'../x' is no name"],
    ['{"version":1,"goldens":{"x":[]}}', "golden 'x' is neither null nor a list"],
  ])('%s is refused', async (text, message) => {
    writeFileSync(path('golden.json'), text);
    const { code, stderr } = await golden('verify', folder);
    expect(code).toBe(2);
    expect(stderr).toContain('golden.manifest');
    expect(stderr).toContain(message);
  });

  it.each([
    [['tohost-pass', '--colour'], 'unknown option'],
    [['no-such-guest'], 'usage.guest-unknown'],
    [['tohost-pass', '--stdin', '-'], '--stdin -'],
  ])('with the run %j has a golden that cannot be recorded', async (run, message) => {
    writeManifest({ x: run });
    const { code, stdout } = await golden('accept', folder);
    expect(code).toBe(1);
    expect(stdout).toContain(message);
    expect(existsSync(path('x.pvt'))).toBe(false);
  });

  it.each([
    [['verify', 'nowhere'], 'no such file or folder'],
    [['verify', '--jobs', '0'], '--jobs'],
    [['verify', '--reporter', 'xml'], 'Allowed choices'],
    [['accept', '--ignore', 'pc'], 'unknown option'],
  ])('is not needed to refuse %j', async (args, message) => {
    const { code, stderr } = await golden(...args);
    expect([code, stderr.includes(message)]).toEqual([2, true]);
  });
});
