import { defineConfig } from 'vitest/config';

/** Before each test file. */
const setupFiles = ['test/support/property-seed.ts'];

/**
 * One project per set of outside programs, so that `npm test` needs nothing but Node. A test's folder decides its project.
 */
const OUTSIDE = ['oracle', 'guests', 'browser', 'gdb'] as const;

const outsideProject = (name: (typeof OUTSIDE)[number]) => ({
  test: {
    name,
    setupFiles,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
});

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'core',
          setupFiles,
          include: ['test/**/*.test.ts'],
          exclude: [...OUTSIDE, 'tiers'].map((name) => `test/${name}/**`),
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      ...OUTSIDE.map(outsideProject),
      // Needs nothing but Node either, and a minute.
      {
        test: {
          name: 'tiers',
          setupFiles,
          include: ['test/tiers/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
