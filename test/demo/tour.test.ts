import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';

const tour = fileURLToPath(new URL('../../dist/demo/tour.js', import.meta.url));
const breakIt = new URL('../fixtures/break-the-tour.mjs', import.meta.url);

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the tour with its temporary directory below the given one. */
function run(below: string, ...nodeArgs: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...nodeArgs, tour],
      { env: { ...process.env, TMPDIR: below } },
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
      },
    );
  });
}

describe('the tour', () => {
  it('shows what it promises and leaves nothing behind', async () => {
    await withDirectory(async (directory) => {
      const { code, stdout, stderr } = await run(directory);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      const shown = [
        /acquire\('tour\.sock', \{ serve: httpServer \}\) +owner, 1 reference\n/,
        /mode of the socket file +0600/,
        /^ +srw------- tour\.sock$/m,
        /four clients: GET \/ +4 × "hello from pid \d+"/,
        /close\(\) +1 reference left/,
        /ERR_SOCKREF_INVALID_PATH/,
        /ERR_SOCKREF_UNSAFE_DIRECTORY/,
        /garbage collection +1 reference\n/,
        /event 'leak': it was acquired at +collected\.js:\d+/,
        /stale, left by pid \d+/,
        /reclaimed crash\.sock\.ctl, crash\.sock of pid \d+/,
        /manager\.inspect\(\), from a sixth process +5 references, owner \d+/,
        /ECONNRESET/,
        /owner {2}reads 4 references/,
        /has nothing to serve any more, and ends\n +ls -A +\(nothing\)/,
        /rmdir +ok/,
      ];
      for (const line of shown) expect(stdout).toMatch(line);
      const scenes = [...stdout.matchAll(/^(\d+)\. [A-Z]/gm)].map(([, number]) => Number(number));
      expect(scenes).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      // No colours in what is no terminal.
      expect(stdout).not.toContain('\u001b');
    });
  });

  it('fails, and cleans up, when something is not as it tells', async () => {
    await withDirectory(async (directory) => {
      const { code, stderr } = await run(directory, '--import', breakIt.href);
      expect(code).toBe(1);
      expect(stderr).toContain('The tour failed: Error: not as told: the count');
    });
  });
});
