import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { root } from '../helpers/samples.js';

const run = promisify(execFile);
const folder = join(root, 'python/tests');
const modules = readdirSync(folder).filter((name) => /^test_\w+\.py$/.test(name));

/** The oldest supported version. */
const oldest = [3, 11];

it('runs with a Python that is new enough', async () => {
  const { stdout } = await run('python3', ['-c', 'import sys; print(*sys.version_info[:2])']);
  const [major = 0, minor = 0] = stdout.split(' ').map(Number);
  expect(major * 1000 + minor).toBeGreaterThanOrEqual((oldest[0] as number) * 1000 + (oldest[1] as number));
});

it.concurrent.each(modules)('%s', async (name) => {
  // A program whose system calls and descriptors are counted must not write coverage for Node.
  const { NODE_V8_COVERAGE: _, ...env } = process.env;
  const args = ['-W', 'error::ResourceWarning', '-m', 'unittest', '--verbose', name.slice(0, -'.py'.length)];
  const { code, stderr } = await run('python3', args, { cwd: folder, env }).then(
    ({ stderr }) => ({ code: 0, stderr }),
    (error: { code: number; stderr: string }) => error,
  );
  const [, count] = /^Ran (\d+) tests?/m.exec(stderr) ?? [];
  console.log(`${name}: ${count} tests`);
  // On failure the whole report helps.
  expect(code === 0 ? '' : stderr).toBe('');
  expect(Number(count)).toBeGreaterThan(0);
  expect(stderr).not.toMatch(/skipped|expected failure/);
});
