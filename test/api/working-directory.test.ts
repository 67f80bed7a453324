import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { bundled } from '../helpers/cli.js';
import { withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';

describe('a working directory that was removed', () => {
  it('is named by a typed error if a command must run in it, and does not matter otherwise', () =>
    withDirectory(async (directory) => {
      const gone = `${directory}/gone`;
      const program = await start('working-directory-gone.mjs', { args: [gone, `${directory}/a`] });
      const refused = {
        code: 'ERR_SOCKREF_DIRECTORY_NOT_FOUND',
        directory: gone,
        message: `The working directory "${gone}" does not exist any more; change to one that exists (cd), and start again from there`,
        causeCode: 'ENOENT',
      };
      expect(await program.line()).toMatchObject({ without: refused });
      expect(await program.line()).toMatchObject({ relative: refused });
      expect(await program.line()).toMatchObject({ absolute: { code: 'ERR_SOCKREF_SERVER_FAILED', exitCode: 0 } });
      expect((await program.exited).stderr).toBe('');
    }));

  it.each([
    ['with a server', ['--serve', 'true {socket}']],
    ['with a server of the configuration', []],
  ])('is named by the command line %s', (_, options) =>
    withDirectory(async (directory) => {
      const gone = `${directory}/gone`;
      const script = 'mkdir "$1" && cd "$1" && rmdir "$1" && shift && exec "$@"';
      const args = [process.execPath, bundled, 'run', `${directory}/a`, ...options, '--', 'true'];
      const run = promisify(execFile)('sh', ['-c', script, 'sh', gone, ...args]);
      await expect(run).rejects.toMatchObject({
        code: 125,
        stderr: `sockref: The working directory "${gone}" does not exist any more; change to one that exists (cd), and start again from there\n`,
      });
    }),
  );
});
