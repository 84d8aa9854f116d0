/**
 * The goldens of the repository, by the code that `paratrace golden` runs: each is recorded again and must be the same, and its text must
 * be its own. `traces/golden.json` names them.
 *
 * `UPDATE_GOLDENS=1 npx vitest run --project core test/golden` accepts what changed, as `paratrace golden accept` does.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { planGoldens } from '../../src/cli/golden/golden-folder.ts';
import { type GoldenJob, runGoldenJob } from '../../src/cli/golden/golden-job.ts';
import { headlineOf } from '../../src/golden/result.ts';
import { FakeHost, paratrace } from '../cli/fake-host.ts';

const folderOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const FOLDER = folderOf('traces');
/** Those of the example project, which its own tests compare in their own way. */
const EXAMPLE = folderOf('examples/golden-tests/tests/__traces__/boot.test.ts');
const FOLDERS = [FOLDER, EXAMPLE];
const ACCEPT_MS = 300_000;

beforeAll(async () => {
  if (process.env.UPDATE_GOLDENS !== '1') return;
  const host = new FakeHost();
  host.isCi = Boolean(process.env.CI);
  const { code, stdout, stderr } = await paratrace(['golden', 'accept', ...FOLDERS], host);
  if (code !== 0) throw new Error(`${stdout}${stderr}`);
  process.stderr.write(stdout);
}, ACCEPT_MS);

const { jobs } = planGoldens(FOLDERS, { ignore: [], accepts: false });

describe('golden recordings', () => {
  it.each(jobs.map((job) => [job.name, job] as const))('%s is recorded again with the same bytes', (_, job) => {
    const { result } = runGoldenJob(job as GoldenJob, new FakeHost());
    expect(result.status, [headlineOf(result), ...result.sentences, ...result.details].join('\n')).toBe('same');
  });

  it('are all named by the manifest', () => {
    expect(planGoldens(FOLDERS, { ignore: [], accepts: false }).obsolete).toEqual([]);
  });

  it.each(['ring-tour-native', 'ring-tour-full-4-harts', 'ring-tour-pvh', 'mini-os-mix-pv', 'mini-os-mix-full'])(
    '%s replays identical, with the images that come with the package',
    async (name) => {
      expect((await paratrace(['replay', join(FOLDER, `${name}.pvt`)])).stdout).toContain('identical');
    },
  );
});
