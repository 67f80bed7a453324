import { chmodSync, chownSync } from 'node:fs';
import { expect } from 'vitest';
import { withDirectories } from '../helpers/directory.js';
import { itAsRoot } from '../helpers/place.js';
import { start } from '../helpers/program.js';

itAsRoot('a daemon that gives up its rights goes on as the user that it has become', () =>
  withDirectories(2, async (ofRoot, ofOther = '') => {
    chmodSync(ofRoot, 0o755);
    chownSync(ofOther, 65_534, 65_534);
    const program = await start('gives-up-its-rights.mjs', {
      args: [ofRoot, ofOther],
      // As that user it could not write its coverage.
      env: { NODE_V8_COVERAGE: undefined },
    });
    expect(await program.line()).toEqual({ roles: ['owner', 'member'], refused: 'ERR_SOCKREF_PERMISSION_DENIED' });
    expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
  }),
);
