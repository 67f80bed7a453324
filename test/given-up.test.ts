import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { atEnd } from './helpers/at-end.js';
import { withDirectory } from './helpers/directory.js';
import { endProcessesOf, processesOf } from './helpers/processes.js';
import { fixture } from './helpers/program.js';

it('a cancelled run of tests leaves no process, not even a stopped or traced one, or one that others started', () =>
  withDirectory(async (directory) => {
    const ready = join(directory, 'ready');
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    // Each of its processes has the directory in its environment.
    const child = spawn(process.execPath, [fixture('given-up/run.mjs')], {
      env: { ...env, GIVEN_UP_READY: ready },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = once(child, 'close');
    atEnd(() => endProcessesOf(directory));
    const said = (await Promise.all([text(child.stdout), text(child.stderr)])).join('');
    await closed;
    expect(existsSync(ready), said).toBe(true);
    rmSync(ready);
    expect(processesOf(directory).map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1'))).toEqual([]);
  }));
