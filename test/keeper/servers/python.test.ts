import { join } from 'node:path';
import { expect, it } from 'vitest';
import { behind, curl, serverOf, twice } from '../../helpers/behind.js';
import { root } from '../../helpers/samples.js';

const command = ['python3', join(root, 'examples/http/server.py')];

it.each([false, true])('a server of Python runs behind a socket, activate: %s', (activate) =>
  behind((where) =>
    twice(where, 'web.sock', { command, activate }, async (path) => {
      expect(await curl(path)).toBe(`hello from Python, process ${serverOf(path)}`);
    }),
  ),
);
