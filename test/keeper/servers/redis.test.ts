import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { acquire } from 'sockref';
import { expect, it } from 'vitest';
import { kill } from '../../../labs/lib/signals.mjs';
import { behind, logsOf, output, serverOf, twice } from '../../helpers/behind.js';
import { cli } from '../../helpers/cli.js';
import { until } from '../../helpers/until.js';

const server = { command: ['redis-server', '--port', '0', '--unixsocket', '{socket}', '--save', ''] };

function redis(path: string, ...command: string[]): Promise<string> {
  return output('redis-cli', ['-s', path, ...command]);
}

it('redis-server runs behind a socket', () =>
  behind(async (where) => {
    await twice(where, 'cache.sock', server, async (path) => {
      // A new server each time: it has no data yet.
      expect(await redis(path, 'EXISTS', 'fruit')).toBe('0');
      expect(await redis(path, 'SET', 'fruit', 'pear')).toBe('OK');
      expect(await redis(path, 'GET', 'fruit')).toBe('pear');
    });
    // It got the signal to end, and the time for it.
    expect(logsOf(where).match(/Redis is now ready to exit, bye bye/g)).toHaveLength(2);
  }));

it('redis-server runs as long as a command of `sockref run` needs it', () =>
  behind(async ({ directory }) => {
    const path = join(directory, 'cache.sock');
    const serve = `redis-server --port 0 --unixsocket {socket} --save ''`;
    const command = ['sh', '-c', 'redis-cli -s "$SOCKREF_PATH" PING; exit 3'];
    for (const _cycle of [1, 2]) {
      const result = await cli(['run', path, '--serve', serve, '--', ...command]);
      expect(result).toMatchObject({ code: 3, stdout: 'PONG\n', stderr: '' });
      expect(readdirSync(directory)).toEqual([]);
    }
  }));

it('a killed redis-server is restarted', () =>
  behind(async ({ directory }) => {
    const path = join(directory, 'cache.sock');
    await using reference = await acquire(path, { server });
    const killed = serverOf(path);
    await kill(killed);
    await until('another server runs', () => serverOf(path) !== killed);
    // Waits until it accepts connections.
    (await reference.connect()).destroy();
    expect(await redis(path, 'PING')).toBe('PONG');
    expect(await redis(path, 'INFO', 'server')).toContain(`process_id:${serverOf(path)}`);
  }));
