import { join } from 'node:path';
import { acquire } from 'sockref';
import { expect, it } from 'vitest';
import { kill } from '../../../labs/lib/signals.mjs';
import { behind, curl, serverOf, twice } from '../../helpers/behind.js';
import { root } from '../../helpers/samples.js';
import { until } from '../../helpers/until.js';

const command = [process.execPath, join(root, 'examples/http/server.mjs')];

it.each([false, true])('a server of Node runs behind a socket, activate: %s', (activate) =>
  behind((where) =>
    twice(where, 'web.sock', { command, activate }, async (path) => {
      expect(await curl(path)).toBe(`hello from Node, process ${serverOf(path)}`);
    }),
  ),
);

it('a server that inherits its socket restarts, and no client is refused', () =>
  behind(async ({ directory }) => {
    const path = join(directory, 'web.sock');
    await using _reference = await acquire(path, { server: { command, activate: true } });
    const killed = serverOf(path);
    const gone = until('it is gone', () => serverOf(path) !== killed);
    await kill(killed);
    // There is no server now, or the next one: the request waits for it.
    const answer = await curl(path);
    await gone;
    expect(answer).toBe(`hello from Node, process ${serverOf(path)}`);
  }));
