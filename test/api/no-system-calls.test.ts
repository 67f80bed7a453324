import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { withDirectory } from '../helpers/directory.js';

const program = fileURLToPath(new URL('../fixtures/shared-without-system-calls.mjs', import.meta.url));

/**
 * The system calls of V8 and libc: for memory, the clock, and the garbage collector's threads and its wake-up of the event
 * loop. Newer versions read the number of processors from a file at their first collection, so the test does that before.
 */
const ofTheEngine =
  /^((futex|mmap|munmap|mprotect|madvise|brk|clock_gettime|gettimeofday|sched_yield|getpid|gettid)\(|write\(\d+, "\\1(\\0){7}", 8\))/;

test('an active socket is shared without a system call', async () => {
  await withDirectory((directory) => {
    const trace = `${directory}/trace`;
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    // Only the main thread: the others are the engine's.
    const command = ['-qq', '-o', trace, process.execPath, program, 'a.sock'];
    execFileSync('strace', command, { env: { ...env, SOCKREF_DIR: directory } });
    const lines = readFileSync(trace, 'utf8').split('\n');
    rmSync(trace);
    const begin = lines.findIndex((line) => line.includes('/sockref-mark-begin'));
    const end = lines.findIndex((line) => line.includes('/sockref-mark-end'));
    expect(begin).toBeGreaterThan(0);
    expect(end).toBeGreaterThan(begin);
    const ours = lines.slice(begin + 1, end).filter((line) => !ofTheEngine.test(line));
    expect(ours).toEqual([]);
  });
});
