import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type CliOptions, type CliResult, cli } from '../helpers/cli.js';
import { withDirectory } from '../helpers/directory.js';
import { onFullDisk, withoutReader } from '../helpers/unwritable.js';

const tour = fileURLToPath(new URL('../../examples/tour/tour.mjs', import.meta.url));
const breakIt = new URL('../fixtures/break-the-tour.mjs', import.meta.url);

/** Runs the tour with its temporary directory below the given one. */
function run(below: string, options: CliOptions = {}): Promise<CliResult> {
  return cli([], { program: tour, env: { TMPDIR: below }, ...options });
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
        /event 'leak': it was acquired at +collected\.mjs:\d+/,
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
      // No colours where stdout is not a terminal.
      expect(stdout).not.toContain('\u001b');
    });
  });

  it('fails, and cleans up, when a result is wrong', async () => {
    await withDirectory(async (directory) => {
      const { code, stderr } = await run(directory, {
        command: [process.execPath, '--import', breakIt.href, tour],
      });
      expect(code).toBe(1);
      expect(stderr).toContain('The tour failed: Error: not as told: the count');
    });
  });

  it('ends without a message when its reader leaves, and leaves nothing behind', () =>
    withDirectory(async (directory) => {
      const end = await withoutReader((stdout) => run(directory, { stdout }));
      expect(end).toMatchObject({ code: 141, signal: null, stderr: '' });
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('fails when the disk is full, and leaves nothing behind', () =>
    withDirectory(async (directory) => {
      const end = await onFullDisk((stdout) => run(directory, { stdout }));
      expect(end.code).toBe(1);
      expect(end.stderr).toContain('ENOSPC');
      expect(readdirSync(directory)).toEqual([]);
    }));
});
