import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { SlowestFirst } from './test/slowest-first.js';

const nightly = process.env['SOCKREF_NIGHTLY'] === '1';
const dist = fileURLToPath(new URL('./dist/', import.meta.url));
const MINUTE = 60_000;

function startsWith(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`);
}

// Not a time that anything may take, be the machine ever so busy: it ends what hangs.
const watchdog = (nightly ? 30 : 5) * MINUTE;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'test/fixtures/**'],
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/setup.ts'],
    sequence: { sequencer: SlowestFirst },
    pool: 'forks',
    execArgv: ['--expose-gc'],
    // Tests wait for processes more than they compute.
    maxWorkers: 3,
    testTimeout: watchdog,
    hookTimeout: watchdog,
    retry: 0,
    allowOnly: false,
    passWithNoTests: false,
    watch: false,
    // The compiled package is loaded by Node itself, as users load it: tests, their child processes and their
    // workers run the same files, and coverage adds up over all of them.
    server: { deps: { external: [startsWith(dist)] } },
    reporters: ['default', ['json', { outputFile: 'coverage/tests.json' }]],
  },
});
