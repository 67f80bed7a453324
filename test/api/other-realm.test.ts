import { expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';

it('recognises a system error by its shape where `Error` is another class, as in a test runner', () =>
  withDirectory(async (directory) => {
    const program = await start('other-realm.mjs', {
      args: [directory],
      execArgv: ['--experimental-vm-modules', '--no-warnings'],
    });
    expect(await program.line()).toEqual({ isOther: true });
    expect(await program.line()).toEqual({ inspect: 'nothing' });
    expect(await program.line()).toMatchObject({ join: { code: 'ERR_SOCKREF_NOT_SERVED' } });
    expect(await program.line()).toMatchObject({ missing: { code: 'ERR_SOCKREF_DIRECTORY_NOT_FOUND' } });
    expect(await program.line()).toEqual({ crashed: 'SIGKILL' });
    expect(await program.line()).toEqual({ list: ['stale'] });
    expect(await program.line()).toEqual({ after: { role: 'owner', text: 'ok' } });
    expect(await program.line()).toMatchObject({ abort: { name: 'AbortError' } });
    expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
  }));
