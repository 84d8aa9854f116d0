import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The matchers, and the look for obsolete goldens after each test file.
  test: { setupFiles: ['paratrace/vitest'], testTimeout: 60_000 },
});
