import { execFile } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { root } from '../helpers/samples.js';

const run = promisify(execFile);

/** An index that does not answer: if pip fetches anything, the test fails. */
const env = { ...process.env, PIP_NO_INDEX: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_CONFIG_FILE: '/dev/null' };

it.each([
  { how: 'alone', flags: [] },
  { how: 'without isolation', flags: ['--no-build-isolation'] },
])('installs without a network, $how', ({ flags }) =>
  withDirectory(async (directory) => {
    const sources = join(directory, 'python');
    cpSync(join(root, 'python'), sources, { recursive: true });
    const environment = join(directory, 'environment');
    await run('python3', ['-m', 'venv', '--without-pip', environment]);
    const python = join(environment, 'bin/python');
    await run('python3', ['-m', 'pip', '--python', python, 'install', '--quiet', ...flags, sources], { env });
    const show = "from importlib.metadata import metadata; import sockref; print(metadata('sockref')['License'])";
    const { stdout } = await run(python, ['-c', show], { cwd: directory, env });
    expect(stdout).toBe('Apache-2.0\n');
    for (const each of [sources, environment]) rmSync(each, { recursive: true });
  }),
);
