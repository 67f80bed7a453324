import { statSync } from 'node:fs';
import { join } from 'node:path';
import { acquire } from 'sockref';
import { expect, it } from 'vitest';
import { kill } from '../../../labs/lib/signals.mjs';
import { behind, curl, serverOf, twice } from '../../helpers/behind.js';
import { root } from '../../helpers/samples.js';
import { until } from '../../helpers/until.js';

const server = { command: [join(root, 'examples/http/nginx.sh'), '{socket}'], stopSignal: 'SIGQUIT' as const };

it('nginx runs behind a socket', () =>
  behind((where) =>
    twice(where, 'web.sock', server, async (path) => {
      expect(await curl(path)).toMatch(/^hello from nginx, process \d+$/);
      // nginx would let every user connect.
      expect((statSync(path).mode & 0o777).toString(8)).toBe('600');
    }),
  ));

it('an nginx whose master is killed restarts after its workers have ended, too', () =>
  behind(async ({ directory }) => {
    const path = join(directory, 'web.sock');
    await using reference = await acquire(path, { server });
    const worker = await curl(path);
    const killed = serverOf(path);
    await kill(killed);
    await until('another server runs', () => serverOf(path) !== killed);
    (await reference.connect()).destroy();
    const other = await curl(path);
    expect(other).toMatch(/^hello from nginx/);
    expect(other).not.toBe(worker);
  }));
