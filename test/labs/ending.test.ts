import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { atEnd } from '../helpers/at-end.js';
import { withDirectory } from '../helpers/directory.js';
import { isNightly } from '../helpers/nightly.js';
import { itAsRoot } from '../helpers/place.js';
import { endProcessesOf, processesOf } from '../helpers/processes.js';
import { until } from '../helpers/until.js';

/** Labs, and how many other processes each has in its middle. One of each kind; all of them in a nightly run. */
const labs = [
  { lab: 'crash', processes: 6 },
  { lab: 'restart', processes: 2 },
  { lab: 'run-race', processes: 10 },
];
if (isNightly) {
  labs.push(
    { lab: 'chaos', processes: 20 },
    { lab: 'errors', processes: 2 },
    { lab: 'failover-time', processes: 2 },
    { lab: 'keeper-crash', processes: 6 },
    { lab: 'start-race', processes: 2 },
  );
}

/** Starts a lab at full length, ends it in its middle, and checks what is left. */
function endsCleanly(lab: string, processes: number, end: (child: ChildProcess) => unknown): Promise<void> {
  return withDirectory(async (directory) => {
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    const child = spawn(process.execPath, [fileURLToPath(new URL(`../../labs/${lab}/run.mjs`, import.meta.url))], {
      // All its processes are recognised by it.
      env: { ...env, TMPDIR: directory },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const exited = once(child, 'exit');
    atEnd(() => endProcessesOf(directory));
    await until('the lab is in its middle', () => processesOf(directory).length > processes);
    expect(readdirSync(directory)).not.toEqual([]);
    end(child);
    expect(await exited).toEqual([1, null]);
    expect(processesOf(directory).map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1'))).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });
}

it.each(labs)('$lab ends all its processes at a signal, and removes its directory', ({ lab, processes }) =>
  endsCleanly(lab, processes, (child) => child.kill('SIGTERM')),
);

itAsRoot('permission does so, too, and ends its process of another user', () =>
  endsCleanly('permission', 2, (child) => child.kill('SIGTERM')),
);

it('a lab ends when its starter has ended', () => endsCleanly('crash', 6, (child) => child.disconnect()));
