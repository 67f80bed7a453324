import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { withDirectory } from '../helpers/directory.js';

const program = fileURLToPath(new URL('../fixtures/without-descriptor-paths.mjs', import.meta.url));

/** Runs a command where /proc is empty, in a new mount namespace. */
function withoutProc(command: readonly string[]): string {
  const script = 'mount -t tmpfs none /proc && exec "$@"';
  return execFileSync('unshare', ['--map-root-user', '--mount', 'sh', '-c', script, 'sh', ...command], {
    encoding: 'utf8',
  });
}

test('without paths through descriptors everything works, and a path leaves room for that of the control socket', async () => {
  await withDirectory((directory) => {
    // With four bytes more, the control socket's address would be cut off to that of the data socket.
    const answer = JSON.parse(withoutProc([process.execPath, program, directory]));
    expect(answer).toEqual({
      proc: 0,
      verdicts: { longest: ['owner', 'member', 'owner'], tooLong: 'ERR_SOCKREF_PATH_TOO_LONG' },
      faults: [],
      left: [],
    });
  });
});
