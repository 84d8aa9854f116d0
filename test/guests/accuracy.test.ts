/** docs/accuracy.md says what comes out: every workload is predicted, and really run, again. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/accuracy.mjs', import.meta.url));

it('predicts every workload as far off as docs/accuracy.md says, and no further than is accepted', {
  timeout: 900_000,
}, () => {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, '--check', 'rocket-kvm-2023'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
