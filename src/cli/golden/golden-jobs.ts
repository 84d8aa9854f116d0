/** Runs jobs side by side in workers of the host, or one after the other where it has none. Outcomes are in the order of the jobs. */
import { must } from '../../assert.ts';
import type { Host, JobWorker } from '../host/host.ts';
import { type GoldenJob, type GoldenOutcome, runGoldenJob } from './golden-job.ts';

/** Arguments that make the command a worker. */
export const WORKER_ARGUMENTS = ['golden', 'worker'] as const;

/** @param count workers at most; 1 is this process alone */
export async function runGoldenJobs(
  host: Host,
  jobs: readonly GoldenJob[],
  count: number,
): Promise<readonly GoldenOutcome[]> {
  const { startWorker } = host;
  if (startWorker === undefined || count <= 1 || jobs.length <= 1) {
    const outcomes: GoldenOutcome[] = [];
    for (const job of jobs) {
      outcomes.push(runGoldenJob(job, host));
      await host.pause();
    }
    return outcomes;
  }
  const outcomes = new Array<GoldenOutcome>(jobs.length);
  let next = 0;
  const serve = async (worker: JobWorker) => {
    try {
      while (next < jobs.length) {
        const index = next++;
        outcomes[index] = (await worker.run(must(jobs[index], 'a job'))) as GoldenOutcome;
      }
    } finally {
      await worker.stop();
    }
  };
  const workers = Array.from({ length: Math.min(count, jobs.length) }, () => startWorker(WORKER_ARGUMENTS).then(serve));
  await Promise.all(workers);
  return outcomes;
}

/** What a worker does: serves jobs until its host stops it. */
export async function serveGoldenJobs(host: Host): Promise<void> {
  await host.serveJobs?.((job) => runGoldenJob(job as GoldenJob, host));
}
