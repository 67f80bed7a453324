import { chmodSync, chownSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withDirectories } from '../helpers/directory.js';
import { isRoot, itAsRoot } from '../helpers/place.js';
import { start } from '../helpers/program.js';

itAsRoot('a daemon that gives up its rights continues as its new user', () =>
  withDirectories(2, async (ofRoot, ofOther = '') => {
    chmodSync(ofRoot, 0o755);
    chownSync(ofOther, 65_534, 65_534);
    const program = await start('gives-up-its-rights.mjs', {
      args: [ofRoot, ofOther],
      // That user could not write the coverage.
      env: { NODE_V8_COVERAGE: undefined },
    });
    expect(await program.line()).toEqual({ roles: ['owner', 'member'], refused: 'ERR_SOCKREF_PERMISSION_DENIED' });
    expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
  }),
);

it('each call reports a directory that becomes read-only, with the requested path, and says what to do', () =>
  withDirectories(2, async (first, directory = '') => {
    if (isRoot) chownSync(directory, 65_534, 65_534);
    const program = await start('read-only-directory.mjs', {
      args: [first, directory],
      env: { NODE_V8_COVERAGE: undefined },
    });
    const refused = {
      name: 'SocketReferenceError',
      code: 'ERR_SOCKREF_PERMISSION_DENIED',
      errno: 'EACCES',
      causeCode: 'EACCES',
      message: expect.stringMatching(
        new RegExp(`^Cannot [^;]* ${directory}/[ab]\\.sock(\\.lock)?\\b[^;]*: [^;]*EACCES; grant this user write`),
      ),
    };
    expect(await program.line()).toMatchObject({ close: { ...refused, path: `${directory}/a.sock` } });
    expect(await program.line()).toMatchObject({ acquire: { ...refused, path: `${directory}/a.sock` } });
    expect(await program.line()).toMatchObject({ nameless: { ...refused, path: `${directory}/b.sock` } });
    expect(await program.line()).toMatchObject({ joined: { code: 'ERR_SOCKREF_NOT_SERVED' } });
    expect(await program.line()).toEqual({ inspect: 'stale' });
    const { faults } = await program.line();
    expect(faults).not.toEqual([]);
    for (const fault of faults) expect(fault).toMatchObject(refused);
    expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
  }));
