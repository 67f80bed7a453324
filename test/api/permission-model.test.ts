import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';
import { root } from '../helpers/samples.js';
import { greeting } from '../helpers/serve.js';

// Later releases of Node have dropped the first half of the name.
const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';

// Later releases refuse sockets as well, those of the file system included.
const net = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : [];

/** Runs the program with grants, and resolves to its report. */
function withGrants(grants: (directory: string) => string[], expected: object): Promise<void> {
  return withDirectory(async (directory) => {
    const program = await start('restricted.mjs', {
      args: [join(directory, 'a.sock')],
      execArgv: ['--no-warnings', flag, ...grants(directory)],
      // The file could not be written.
      env: { NODE_V8_COVERAGE: undefined },
    });
    expect(await program.line()).toMatchObject(expected);
    expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
  });
}

const works = { answer: greeting, stats: { started: 1, stopped: 1, faults: 0 } };

describe("under Node's permission model", () => {
  it('works with add-ons and all files', () =>
    withGrants(() => [...net, '--allow-addons', '--allow-fs-read=*', '--allow-fs-write=*'], works));

  it('works if only the directory of the socket may be written', () =>
    withGrants(
      (directory) => [...net, '--allow-addons', '--allow-fs-read=*', `--allow-fs-write=${directory}/*`],
      works,
    ));

  it('says what is missing without add-ons', () =>
    withGrants(() => ['--allow-fs-read=*', '--allow-fs-write=*'], {
      error: { code: 'ERR_SOCKREF_UNSUPPORTED', message: expect.stringContaining('--allow-addons') },
    }));

  it('works if it may read only the project and the directory of the socket', () =>
    withGrants(
      (directory) => [
        ...net,
        '--allow-addons',
        `--allow-fs-read=${root}*`,
        `--allow-fs-read=${directory}/*`,
        `--allow-fs-write=${directory}/*`,
      ],
      works,
    ));

  it('says what is missing when it may not read the add-on', () =>
    withGrants(
      (directory) => [
        '--allow-addons',
        ...['dist/*', 'package.json', 'test/*'].map((each) => `--allow-fs-read=${root}${each}`),
        `--allow-fs-read=${directory}/*`,
        `--allow-fs-write=${directory}/*`,
      ],
      { error: { code: 'ERR_SOCKREF_UNSUPPORTED', message: expect.stringContaining('--allow-fs-read=*') } },
    ));

  it('says what is missing where it may not write', () =>
    withGrants(() => ['--allow-addons', '--allow-fs-read=*'], {
      error: {
        code: 'ERR_SOCKREF_PERMISSION_DENIED',
        errno: 'ERR_ACCESS_DENIED',
        message: expect.stringContaining('--allow-fs-write'),
      },
    }));

  it('says what is missing where it may have no sockets, and leaves nothing', () =>
    withGrants(
      () => ['--allow-addons', '--allow-fs-read=*', '--allow-fs-write=*'],
      net.length === 0
        ? works
        : {
            error: {
              code: 'ERR_SOCKREF_PERMISSION_DENIED',
              errno: 'ERR_ACCESS_DENIED',
              message: expect.stringContaining('--allow-net'),
            },
          },
    ));
});
